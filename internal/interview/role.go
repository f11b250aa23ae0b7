package interview

import (
	"slices"
	"strings"
)

// role holds what an account is for.
type role struct {
	text, help string
	types      []string // Visma.net's types of accounts that fit
	own        bool     // its balance has to be Klarna's, so it is shared with nothing
	words      []string // of names that fit, in every language, in small letters
}

// The types of accounts, as Visma.net names them.
const (
	asset     = "Asset"
	liability = "Liability"
	income    = "Income"
	expense   = "Expense"
)

// roles are the accounts of a profile by the name that it gives them. bank is the
// settlement account where no bank import books the deposits.
var roles = map[string]role{
	"settlement": {
		"money on its way to the bank", "Klarna's payout until the bank import books the deposit. It is zero when every payout has arrived.",
		[]string{asset, liability},
		true,
		[]string{"på väg till bank", "på vei til bank", "på vej til bank", "undervejs", "underveis", "matkalla", "in transit", "transit", "överföring", "overføring", "växel"},
	},
	"bank": {
		"the bank account", "The account on which Klarna's deposits arrive.",
		[]string{asset},
		false,
		[]string{"företagskonto", "bankkonto", "bankinnskudd", "pankkitili", "pankkisaamiset", "bank", "checkräkning", "valutakonto"},
	},
	"clearing": {
		"what Klarna owes the shop", "Captured orders until Klarna pays them out: the shop or the ERP books sales against it, the payout clears it.",
		[]string{asset},
		true,
		[]string{"avräkning", "avregning", "afregning", "kontokort", "betalningsförmedl", "betalingsformidler", "myyntisaamiset", "fordringer på", "tilgodehavender"},
	},
	"fees": {
		"Klarna's fees", "The cost of the fees, without VAT.",
		[]string{expense},
		false,
		[]string{"factoring", "kontokortsavgift", "kortgebyr", "bankkostnad", "gebyr", "rahaliikenteen", "maksupalvelu", "pankkikulut", "avgift"},
	},
	"input_vat": {
		"input VAT", "Deductible VAT that Klarna charges on its fees.",
		[]string{asset, liability},
		false,
		[]string{"debiterad ingående moms", "ingående moms", "inngående merverdiavgift", "inngående mva", "arvonlisäverosaamiset", "købsmoms"},
	},
	"reserve": {
		"money that Klarna holds back", "The shop's own money, so a receivable; its balance can be compared with Klarna's.",
		[]string{asset},
		true,
		[]string{"reserv", "innehåll", "tilbakeholdt", "tilbageholdt", "vakuus", "siirtosaamiset", "andre kortsiktige fordringer", "andre tilgodehavender", "øvrige tilgodehavender", "övriga kortfristiga fordringar", "andra kortfristiga fordringar"},
	},
	"debt": {
		"what the shop owes Klarna", "After days with more returns than sales.",
		[]string{liability},
		true,
		[]string{"skuld till klarna", "gjeld til klarna", "velka klarna", "gæld til klarna", "klarna", "kortfristiga skulder", "kortsiktig gjeld", "lyhytaikaiset velat", "anden gæld"},
	},
	"disputes": {
		"disputes and unpaid purchases", "Until a person decides on them.",
		[]string{asset},
		true,
		[]string{"tvist", "riida", "osäkra", "usikre", "epävarm", "usikker", "omløpsmidler", "muut myyntisaamiset"},
	},
	"commission": {
		"commission from Klarna", "Income without VAT.",
		[]string{income},
		false,
		[]string{"provision", "provisjon", "provisiot", "övriga ersättningar", "annen driftsrelatert", "andre driftsindtægter", "muut tuotot", "övriga rörelseint"},
	},
	"loan": {
		"loans from Klarna", "Paid out and paid back with payouts.",
		[]string{liability},
		true,
		[]string{"låneskulder", "kredittinstitusjon", "lainat", "kreditinstitut", "lån"},
	},
	"loan_costs": {
		"what loans cost", "Interest and fees of Klarna's loans.",
		[]string{expense},
		false,
		[]string{"räntekostnad", "rentekostnad", "korkokulut", "renteudgift", "renter", "låneomkostning"},
	},
	"suspense": {
		"what a person has to look at", "Corrections and charges that no rule can decide.",
		[]string{asset, liability},
		false,
		[]string{"obs-konto", "observation", "interim", "selvittely", "fejlkonto", "mellemregning"},
	},
	"fees_invoice": {
		"fee bills that Kvitt books", "A liability until the bill is paid; never the ledger of suppliers.",
		[]string{liability},
		false,
		[]string{"upplupna kostnader", "upplupna", "påløpte", "siirtovelat", "øvrig anden gæld", "skyldige"},
	},
	"accrual": {
		"captured and not paid out at a period's end", "The receivable of an accrual until the next period; neither clearing nor the reserve.",
		[]string{asset},
		false,
		[]string{"upplupna intäkter", "påløpt", "kortsiktige fordringer", "tulojäämät", "siirtosaamiset", "øvrige tilgodehavender", "periodeafgrænsning"},
	},
	"accrual_vat": {
		"VAT that is not deductible yet", "VAT on accrued fees; the payout's own voucher deducts it. It is outside the VAT return.",
		[]string{asset, liability},
		false,
		[]string{"vilande ingående moms", "vilande", "ikke fradragsført", "siirtosaamiset", "ikke fratrukket"},
	},
	"reverse_input": {
		"input VAT of the reverse charge", "What is deducted of the VAT that the company owes itself.",
		[]string{asset, liability},
		false,
		[]string{"beräknad ingående moms", "tjenester fra utlandet", "inngående merverdiavgift, tjenester", "käännetty", "arvonlisäverosaamiset", "købsmoms"},
	},
	"reverse_base": {
		"the taxable amount of the reverse charge", "What the VAT is on, for the box of the return that asks for purchases from abroad.",
		[]string{expense},
		false,
		[]string{"inköp av tjänster från annat", "tjänster från annat eu", "tjenester", "grunnlag", "yhteisöpalvelu", "ulkomailta", "ydelseskøb", "ydelser"},
	},
	"reverse_contra": {
		"the contra account of that amount", "It takes the taxable amount out again, so that the result is not touched.",
		[]string{expense},
		false,
		[]string{"omvänd", "motkonto", "vastatili", "modkonto", "justering"},
	},
	"reverse_output": {
		"output VAT of the reverse charge", "The VAT that the company owes itself.",
		[]string{liability, asset},
		false,
		[]string{"omvänd", "utgående merverdiavgift, tjenester", "tjenester fra utlandet", "käännetty, palvelut", "käännetty", "ydelseskøb"},
	},
}

// Roles names every role, sorted.
func Roles() []string {
	var names []string
	for name := range roles {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

func (r *role) fits(typ string) bool {
	return typ == "" || slices.ContainsFunc(r.types, func(t string) bool { return strings.EqualFold(t, typ) })
}

// named is the longest word of the role that a name holds, in letters; 0: none.
func (r *role) named(name string) int {
	longest := 0
	name = strings.ToLower(name)
	for _, word := range r.words {
		if strings.Contains(name, word) {
			longest = max(longest, len([]rune(word)))
		}
	}
	return longest
}

// The names of ledgers of customers and suppliers, and of accounts that collect
// what has none of its own, by how they begin.
var (
	ledgerNames = []string{"kundfordringar", "kundefordringer", "myyntisaamiset", "tilgodehavender fra salg", "leverantörsskulder", "leverandørgjeld", "leverandørgæld", "ostovelat"}
	sharedNames = []string{"övriga", "andra ", "andre ", "annen ", "muut ", "øvrige", "øvrig ", "anden ", "siirtosaamiset", "siirtovelat", "diverse"}
)

func begins(name string, all []string) bool {
	name = strings.ToLower(strings.TrimSpace(name))
	return slices.ContainsFunc(all, func(b string) bool { return strings.HasPrefix(name, b) })
}
