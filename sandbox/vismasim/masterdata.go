package vismasim

import (
	"net/http"
	"strconv"
	"time"

	"github.com/google/uuid"
)

type object = map[string]any

// since2020 is the time of the last change of the master data.
var since2020 = moment(time.Date(2020, time.January, 1, 8, 0, 0, 0, time.UTC))

func list(items []object) (answer, error) {
	if items == nil {
		items = []object{}
	}
	return jsonAnswer(http.StatusOK, items), nil
}

func single(item object) (answer, error) {
	return jsonAnswer(http.StatusOK, item).with("ETag", etag(1)), nil
}

// pick answers with the one item whose key has the value of the path, or 404.
func pick(q *call, name, what string, items []object, key string) (answer, error) {
	want := q.id(name)
	for _, item := range items {
		if item[key] == want {
			return single(item)
		}
	}
	return answer{}, notFound(what + " '" + want + "'")
}

func (s *Sim) getOrganizations(q *call) (answer, error) {
	cur, _ := q.c.currency(q.c.BaseCurrency)
	organization := object{
		"organizationCd": q.c.OrganizationCD, "name": q.c.Name, "organizationType": "Company without branches",
		"fileTaxByBranches": false, "baseCurrency": q.c.BaseCurrency,
		"corporateId": q.c.CorporateID, "vatRegistrationId": q.c.VATID,
		"defaultCountry":       object{"id": q.c.Country, "name": q.c.Country},
		"currency":             currencyObject(q.c.Company, cur),
		"ledger":               object{"id": q.c.Ledgers[0].Number, "description": q.c.Ledgers[0].Description},
		"lastModifiedDateTime": since2020, "timeStamp": timeStamp(1),
	}
	if q.yes("expandBranches") {
		var branches []object
		for _, b := range q.c.Branches {
			branches = append(branches, object{"number": b.Number, "name": b.Name})
		}
		organization["branches"] = branches
	}
	return list([]object{organization})
}

func branches(q *call) (all []object) {
	for i, b := range q.c.Branches {
		branch := object{
			"branchId": i + 1, "number": q.c.padded(b.Number), "name": b.Name, "organizationId": 1, "isMainBranch": i == 0, "isActive": !b.Inactive,
			"corporateId": q.c.CorporateID, "vatRegistrationId": q.c.VATID, "lastModifiedDateTime": since2020,
		}
		if q.yes("expandCurrency") {
			branch["currency"] = object{"id": q.c.BaseCurrency}
		}
		if q.yes("expandLedger") {
			branch["ledger"] = object{"id": q.c.Ledgers[0].Number, "description": q.c.Ledgers[0].Description}
		}
		if q.yes("expandDefaultCountry") {
			branch["defaultCountry"] = object{"id": q.c.Country, "name": q.c.Country}
		}
		all = append(all, branch)
	}
	return all
}

func (s *Sim) getBranches(q *call) (answer, error) { return list(branches(q)) }

func (s *Sim) getBranch(q *call) (answer, error) {
	return pick(q, "number", "Branch", branches(q), "number")
}

func (s *Sim) getLedgers(q *call) (answer, error) {
	var all []object
	for i, l := range q.c.Ledgers {
		all = append(all, object{
			"internalId": i + 1, "number": q.c.padded(l.Number), "description": l.Description, "balanceType": l.BalanceType,
			"currencyId": l.Currency, "consolidationSource": false, "branchAccounting": false, "postInterCompany": false,
			"lastModifiedDateTime": since2020,
		})
	}
	return list(all)
}

func accounts(q *call) (all []object) {
	for i, number := range q.c.numbers {
		a := q.c.accounts[number]
		account := object{
			"accountID": i + 1, "accountCD": a.Number, "type": a.Type, "active": !a.Inactive, "description": a.Description,
			"useDefaultSub": false, "postOption": "Detail", "cashAccount": a.CashAccount, "allowManualEntry": !a.NoManualEntry,
			"lastModifiedDateTime": since2020, "timeStamp": timeStamp(1),
		}
		if a.Currency != "" {
			account["currency"] = a.Currency
		}
		if a.VATCategory != "" {
			account["taxCategory"] = a.VATCategory
		}
		if a.ControlModule != "" {
			account["controlAccountModule"] = a.ControlModule
		}
		all = append(all, account)
	}
	return all
}

// getAccounts has no paging: it answers with the whole chart.
func (s *Sim) getAccounts(q *call) (answer, error) {
	var wanted []object
	for _, account := range accounts(q) {
		if active := q.query("active"); active != "" && q.yes("active") != account["active"] {
			continue
		}
		if from := q.query("greaterThanValue"); from != "" && account["accountCD"].(string) <= from {
			continue
		}
		wanted = append(wanted, account)
	}
	return list(wanted)
}

func (s *Sim) getAccount(q *call) (answer, error) {
	return pick(q, "number", "Account", accounts(q), "accountCD")
}

func (s *Sim) getSubaccounts(q *call) (answer, error) {
	var wanted []subaccount
	for _, sub := range q.c.subs {
		if active := q.query("active"); active == "" || q.yes("active") == sub.active() {
			wanted = append(wanted, sub)
		}
	}
	page, meta := cut(s, q, wanted)
	dtos := []subaccountDTO{}
	for _, sub := range page {
		dto := q.c.subaccountDTO(sub)
		dto.LastModified, dto.TimeStamp, dto.Metadata = since2020, timeStamp(1), meta
		dtos = append(dtos, dto)
	}
	return jsonAnswer(http.StatusOK, dtos), nil
}

func (s *Sim) getSubaccount(q *call) (answer, error) {
	sub, ok := q.c.sub(q.id("number"))
	if !ok {
		return answer{}, notFound("Subaccount '" + q.id("number") + "'")
	}
	return jsonAnswer(http.StatusOK, q.c.subaccountDTO(sub)), nil
}

func (s *Sim) getDimensions(q *call) (answer, error) {
	ids := []string{"ACCOUNT", "BIZACCT", "INVENTORY"}
	if len(q.c.Segments) > 0 {
		ids = append(ids, Segmented)
	}
	return jsonAnswer(http.StatusOK, ids), nil
}

func (s *Sim) getDimension(q *call) (answer, error) {
	if q.id("id") != Segmented || len(q.c.Segments) == 0 {
		return answer{}, notFound("Dimension '" + q.id("id") + "'")
	}
	length := 0
	var segments []object
	for _, segment := range q.c.Segments {
		length += segment.Length
		segments = append(segments, segmentObject(q.c, segment, q.yes("expandSegmentsValues")))
	}
	return single(object{"id": Segmented, "length": length, "description": "Subaccount", "segments": segments})
}

func (s *Sim) getSegment(q *call) (answer, error) {
	for _, segment := range q.c.Segments {
		if q.id("id") == Segmented && strconv.Itoa(segment.ID) == q.id("segment") {
			return single(segmentObject(q.c, segment, true))
		}
	}
	return answer{}, notFound("Segment '" + q.id("segment") + "'")
}

func segmentObject(c *company, segment Segment, expand bool) object {
	id := func(of string) string { return uuid.NewSHA1(uuid.NameSpaceURL, []byte(c.TenantID+of)).String() }
	number := strconv.Itoa(segment.ID)
	dto := object{
		"internalId": id(number), "segmentId": segment.ID, "description": segment.Description, "length": segment.Length,
		"publicId": id("p" + number), "timeStamp": timeStamp(1), "lastModified": since2020, "validate": true, "isAutoNumber": false,
	}
	values := []object{}
	for _, v := range segment.Values {
		values = append(values, object{
			"internalId": id(number + v.Value), "segmentId": segment.ID, "valueId": v.Value, "description": v.Description,
			"publicId": id("p" + number + v.Value), "active": !v.Inactive, "timeStamp": timeStamp(1), "lastModified": since2020,
		})
	}
	if expand {
		dto["segmentValues"] = values
	}
	return dto
}

func (c *company) periodObject(p *Period) object {
	end := p.Next.AddDate(0, 0, -1)
	if c.FinancialYear.EndsOnNextStart {
		end = p.Next
	}
	return object{
		"year": p.Year, "period": p.written(c.FinancialYear.PeriodFormat), "startDate": dateTime(p.Start), "endDate": dateTime(end),
		"description": p.Start.Format("January 2006"), "active": !p.Inactive, "closedInGeneralLedger": p.Closed,
		"closedInSupplierLedger": p.Closed, "closedInCustomerLedger": p.Closed, "closedInInventoryManagement": p.Closed,
		"closedInCashManagement": p.Closed, "closedInFixedAssets": p.Closed,
	}
}

func (s *Sim) getPeriods(q *call) (answer, error) {
	var all []object
	for _, p := range q.c.periods {
		all = append(all, q.c.periodObject(p))
	}
	return list(all)
}

func (s *Sim) getPeriod(q *call) (answer, error) {
	p := q.c.period(q.id("id"))
	if p == nil {
		return answer{}, notFound("Financial period '" + q.id("id") + "'")
	}
	return single(q.c.periodObject(p))
}

func currencyObject(c Company, cur Currency) object {
	return object{
		"id": cur.ID, "description": cur.Description, "symbol": cur.Symbol, "isBaseCurrency": cur.ID == c.BaseCurrency,
		"decimalPrecision": cur.Precision, "isUsedForAccounting": cur.UsedForAccounting,
	}
}

func currencies(q *call) (all []object) {
	for _, cur := range q.c.Currencies {
		all = append(all, currencyObject(q.c.Company, cur))
	}
	return all
}

func (s *Sim) getCurrencies(q *call) (answer, error) { return list(currencies(q)) }

func (s *Sim) getCurrency(q *call) (answer, error) {
	return pick(q, "id", "Currency", currencies(q), "id")
}

func vats(q *call) (all []object) {
	for _, v := range q.c.VATs {
		kind := "Vat"
		if v.Reverse {
			kind = "ReverseVat"
		}
		all = append(all, object{
			"vatCategoryId": v.CategoryID, "vatId": v.ID, "description": v.Description, "type": kind, "reverseVat": v.Reverse,
			"deductibleVat": false, "statisticalVat": false, "pendingVat": false, "lastModifiedDateTime": since2020,
			"glAccounts": object{
				"vatPayableAccount":   object{"number": v.PayableAccount, "type": "Liability", "active": true},
				"vatClaimableAccount": object{"number": v.ClaimableAccount, "type": "Asset", "active": true},
			},
			"schedules": []object{{"startDate": "2020-01-01T00:00:00", "vatRate": number(int64(v.RateBasisPoints), 2), "groupType": "Output"}},
		})
	}
	return all
}

func (s *Sim) getVATs(q *call) (answer, error) { return list(vats(q)) }

func (s *Sim) getVAT(q *call) (answer, error) { return pick(q, "id", "VAT", vats(q), "vatId") }
