package vismasim

import (
	"embed"
	"strings"
)

// Each line of a chart reads "<number> <A|L|I|E> <description> [!flag…]", with
// the flags !inactive, !nomanual, !cash and !control=<module>.
//
//go:embed charts/*.txt
var chartFiles embed.FS

var accountTypes = map[string]string{"A": "Asset", "L": "Liability", "I": "Income", "E": "Expense"}

func chart(country string) []Account {
	text, err := chartFiles.ReadFile("charts/" + country + ".txt")
	if err != nil {
		return nil
	}
	var accounts []Account
	for line := range strings.Lines(string(text)) {
		if account, ok := chartLine(strings.TrimSpace(line)); ok {
			accounts = append(accounts, account)
		}
	}
	return accounts
}

func chartLine(line string) (Account, bool) {
	number, rest, ok := strings.Cut(line, " ")
	kind, rest, ok2 := strings.Cut(rest, " ")
	if !ok || !ok2 || accountTypes[kind] == "" {
		return Account{}, false
	}
	description, flags, _ := strings.Cut(rest, " !")
	account := Account{Number: number, Type: accountTypes[kind], Description: description}
	for flag := range strings.SplitSeq(flags, " !") {
		switch name, module, _ := strings.Cut(flag, "="); name {
		case "inactive":
			account.Inactive = true
		case "nomanual":
			account.NoManualEntry = true
		case "cash":
			account.CashAccount = true
		case "control":
			account.ControlModule = module
		}
	}
	return account, true
}
