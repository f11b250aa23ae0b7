package vismasim

import (
	"strings"
	"time"
)

// SwedishCompany is the demo company: BAS chart, SEK, two subaccount segments, a main branch and a shop
// branch, financial years from January, and batches that are posted on release.
func SwedishCompany(tenantID, name string) Company {
	c := nordicCompany(tenantID, name, "se", "SEK")
	c.CorporateID, c.VATID, c.Number = "5560123456", "SE556012345601", "0921001005"
	c.Segments = demoSegments()
	c.YTDAccount = "2099"
	c.PostOnRelease = true
	c.VATs = []VAT{
		{CategoryID: "25", ID: "25", Description: "Moms 25 %", RateBasisPoints: 2500, PayableAccount: "2611", ClaimableAccount: "2641"},
		{CategoryID: "12", ID: "12", Description: "Moms 12 %", RateBasisPoints: 1200, PayableAccount: "2621", ClaimableAccount: "2641"},
		{CategoryID: "6", ID: "6", Description: "Moms 6 %", RateBasisPoints: 600, PayableAccount: "2631", ClaimableAccount: "2641"},
		{CategoryID: "00", ID: "00", Description: "Ingen moms", PayableAccount: "2611", ClaimableAccount: "2641"},
		{CategoryID: "TJ25", ID: "TJ25", Description: "Omvänd moms, tjänster från EU", RateBasisPoints: 2500, Reverse: true, PayableAccount: "2614", ClaimableAccount: "2645"},
	}
	return c
}

// NorwegianCompany has an NS 4102 chart, NOK, no subaccounts, and leaves
// released batches unposted.
func NorwegianCompany(tenantID, name string) Company {
	c := nordicCompany(tenantID, name, "no", "NOK")
	c.CorporateID, c.VATID, c.Number = "987654321", "NO987654321MVA", "0921001006"
	c.YTDAccount = "2099"
	c.VATs = []VAT{
		{CategoryID: "3", ID: "3", Description: "Utgående mva, høy sats", RateBasisPoints: 2500, PayableAccount: "2700", ClaimableAccount: "2710"},
		{CategoryID: "1", ID: "1", Description: "Inngående mva, høy sats", RateBasisPoints: 2500, PayableAccount: "2700", ClaimableAccount: "2710"},
		{CategoryID: "86", ID: "86", Description: "Tjenester fra utlandet, høy sats", RateBasisPoints: 2500, Reverse: true, PayableAccount: "2704", ClaimableAccount: "2714"},
		{CategoryID: "0", ID: "0", Description: "Ingen mva", PayableAccount: "2700", ClaimableAccount: "2710"},
	}
	return c
}

// FinnishCompany has a Finnish chart, EUR and no subaccounts.
func FinnishCompany(tenantID, name string) Company {
	c := nordicCompany(tenantID, name, "fi", "EUR")
	c.CorporateID, c.VATID, c.Number = "1234567-8", "FI12345678", "0921001007"
	c.YTDAccount = "2370"
	c.PostOnRelease = true
	c.VATs = []VAT{
		{CategoryID: "255", ID: "255", Description: "ALV 25,5 %", RateBasisPoints: 2550, PayableAccount: "29391", ClaimableAccount: "17631"},
		{CategoryID: "KV255", ID: "KV255", Description: "Käännetty ALV, palvelut", RateBasisPoints: 2550, Reverse: true, PayableAccount: "29396", ClaimableAccount: "17635"},
		{CategoryID: "0", ID: "0", Description: "Ei arvonlisäveroa", PayableAccount: "29391", ClaimableAccount: "17631"},
	}
	return c
}

// DanishCompany has the Danish standard chart, DKK and no subaccounts.
func DanishCompany(tenantID, name string) Company {
	c := nordicCompany(tenantID, name, "dk", "DKK")
	c.CorporateID, c.VATID, c.Number = "12345674", "DK12345674", "0921001008"
	c.YTDAccount = "7199"
	c.PostOnRelease = true
	c.VATs = []VAT{
		{CategoryID: "25", ID: "25", Description: "Moms 25 %", RateBasisPoints: 2500, PayableAccount: "7680", ClaimableAccount: "7740"},
		{CategoryID: "YU", ID: "YU", Description: "Ydelseskøb i udlandet", RateBasisPoints: 2500, Reverse: true, PayableAccount: "7720", ClaimableAccount: "7740"},
		{CategoryID: "0", ID: "0", Description: "Ingen moms", PayableAccount: "7680", ClaimableAccount: "7740"},
	}
	return c
}

// nordicCompany is the common part of the four presets: the four Nordic currencies are used for
// accounting, GBP exists but is not used, and years 2020 to 2032 exist.
func nordicCompany(tenantID, name, country, base string) Company {
	return Company{
		TenantID: tenantID, OrganizationCD: "1", Name: name, Country: strings.ToUpper(country), BaseCurrency: base,
		Accounts: chart(country),
		Ledgers: []Ledger{
			{Number: "1", Description: "Hovedbok / Huvudbok", BalanceType: "Actual", Currency: base},
			{Number: "BUDGET", Description: "Budget", BalanceType: "Budget", Currency: base},
		},
		Branches: []Branch{
			{Number: "1", Name: name},
			{Number: "2", Name: name + ", shop"},
			{Number: "9", Name: name + ", closed down", Inactive: true},
		},
		Currencies: []Currency{
			{ID: "SEK", Description: "Swedish krona", Symbol: "kr", Precision: 2, UsedForAccounting: true},
			{ID: "NOK", Description: "Norwegian krone", Symbol: "kr", Precision: 2, UsedForAccounting: true},
			{ID: "DKK", Description: "Danish krone", Symbol: "kr", Precision: 2, UsedForAccounting: true},
			{ID: "EUR", Description: "Euro", Symbol: "€", Precision: 2, UsedForAccounting: true},
			{ID: "GBP", Description: "Pound sterling", Symbol: "£", Precision: 2},
		},
		FinancialYear: FinancialYear{FirstMonth: time.January, FirstYear: 2020, Years: 13},
		FirstBatch:    1,
		HoldOnEntry:   true,
	}
}

func demoSegments() []Segment {
	return []Segment{
		{ID: 1, Description: "Avdelning", Length: 2, Values: []SegmentValue{
			{Value: "00", Description: "Gemensamt"},
			{Value: "10", Description: "Försäljning"},
			{Value: "20", Description: "Lager"},
			{Value: "90", Description: "Nedlagd", Inactive: true},
		}},
		{ID: 2, Description: "Kanal", Length: 3, Values: []SegmentValue{
			{Value: "000", Description: "Ingen kanal"}, {Value: "010", Description: "Webb"}, {Value: "020", Description: "Butik"},
		}},
	}
}
