package vismasim

import (
	"encoding/json"
	"time"
)

// The DTOs of reads: flat, amounts as JSON numbers, names as the API writes them. "…InCurrency" is the
// batch's currency, the plain name the base currency.

type journalDTO struct {
	Module               string          `json:"module"`
	BatchNumber          string          `json:"batchNumber"`
	Status               Status          `json:"status"`
	Hold                 bool            `json:"hold"`
	TransactionDate      string          `json:"transactionDate"`
	PostPeriod           string          `json:"postPeriod"`
	FinancialPeriod      string          `json:"financialPeriod"`
	Ledger               string          `json:"ledger"`
	LedgerDescription    string          `json:"ledgerDescription"`
	CurrencyID           string          `json:"currencyId"`
	ExchangeRate         json.Number     `json:"exchangeRate"`
	AutoReversing        bool            `json:"autoReversing"`
	ReversingEntry       bool            `json:"reversingEntry"`
	Description          string          `json:"description"`
	OriginalBatchNumber  string          `json:"originalBatchNumber,omitempty"`
	DebitTotal           json.Number     `json:"debitTotal"`
	DebitTotalInCurrency json.Number     `json:"debitTotalInCurrency"`
	CreditTotal          json.Number     `json:"creditTotal"`
	CreditTotalInCur     json.Number     `json:"creditTotalInCurrency"`
	ControlTotal         json.Number     `json:"controlTotal"`
	ControlTotalInCur    json.Number     `json:"controlTotalInCurrency"`
	CreateVAT            bool            `json:"createVatTransaction"`
	SkipVATCheck         bool            `json:"skipVatAmountValidation"`
	LastModified         string          `json:"lastModifiedDateTime"`
	TransactionCode      string          `json:"transactionCode,omitempty"`
	Branch               string          `json:"branch"`
	TimeStamp            string          `json:"timeStamp"`
	Lines                []lineDTO       `json:"journalTransactionLines"`
	Attachments          []attachmentDTO `json:"attachments,omitempty"`
	Metadata             *metadataDTO    `json:"metadata,omitempty"`
}

type lineDTO struct {
	LineNumber      int             `json:"lineNumber"`
	AccountNumber   string          `json:"accountNumber"`
	Description     string          `json:"description"` // the account's
	Subaccount      *subaccountDTO  `json:"subaccount,omitempty"`
	ReferenceNumber string          `json:"referenceNumber,omitempty"`
	Debit           json.Number     `json:"debitAmount"`
	DebitInCur      json.Number     `json:"debitAmountInCurrency"`
	Credit          json.Number     `json:"creditAmount"`
	CreditInCur     json.Number     `json:"creditAmountInCurrency"`
	Text            string          `json:"transactionDescription,omitempty"`
	VATCode         *idDTO          `json:"vatCode,omitempty"`
	VAT             *idDTO          `json:"vat,omitempty"`
	Branch          string          `json:"branch"`
	Module          string          `json:"module"`
	Attachments     []attachmentDTO `json:"attachments,omitempty"`
	Quantity        json.Number     `json:"quantity"`
	Note            string          `json:"note,omitempty"`
}

type idDTO struct {
	ID          string `json:"id"`
	Description string `json:"description,omitempty"`
}

type attachmentDTO struct {
	Name     string `json:"name"`
	ID       string `json:"id"`
	Revision int    `json:"revision"`
}

type metadataDTO struct {
	TotalCount  int `json:"totalCount"`
	MaxPageSize int `json:"maxPageSize"`
}

type subaccountDTO struct {
	Number       string       `json:"subaccountNumber"`
	ID           int          `json:"subaccountId"`
	Description  string       `json:"description"`
	LastModified string       `json:"lastModifiedDateTime,omitempty"`
	Active       bool         `json:"active"`
	Segments     []segmentDTO `json:"segments"`
	TimeStamp    string       `json:"timeStamp,omitempty"`
	Metadata     *metadataDTO `json:"metadata,omitempty"`
}

type segmentDTO struct {
	ID               int    `json:"segmentId"`
	Description      string `json:"segmentDescription"`
	Value            string `json:"segmentValue"`
	ValueDescription string `json:"segmentValueDescription"`
}

// journal writes a batch, or the part of one that is on a page.
func (c *company) journal(b *Batch, lines []Line, attachments bool) journalDTO {
	precision, base := c.precision(b.Currency), c.basePrecision()
	ledger, _ := c.ledger(b.Ledger)
	debit, credit := b.Totals()
	baseDebit, baseCredit := b.BaseTotals()
	control := b.ControlTotal
	if rate, err := literal(b.Rate).rat(); err == nil {
		control = convert(control, rate, precision, base)
	}
	post := b.Period
	if p := c.period(b.Period); p != nil {
		post = p.postPeriod()
	}
	dto := journalDTO{
		Module: "Module" + b.Module, BatchNumber: b.Number, Status: b.Status, Hold: b.Status == Hold,
		TransactionDate: dateTime(b.Date), PostPeriod: post, FinancialPeriod: b.Period,
		Ledger: c.padded(b.Ledger), LedgerDescription: ledger.Description, CurrencyID: b.Currency, ExchangeRate: json.Number(b.Rate),
		AutoReversing: b.Reversing, ReversingEntry: b.Reverses != "", Description: b.Description, OriginalBatchNumber: b.Reverses,
		DebitTotal: number(baseDebit, base), DebitTotalInCurrency: number(debit, precision),
		CreditTotal: number(baseCredit, base), CreditTotalInCur: number(credit, precision),
		ControlTotal: number(control, base), ControlTotalInCur: number(b.ControlTotal, precision),
		CreateVAT: b.VAT, SkipVATCheck: b.SkipVATCheck, LastModified: moment(b.Modified),
		TransactionCode: b.Code, Branch: c.padded(b.Branch), TimeStamp: timeStamp(b.Stamp),
		Lines: make([]lineDTO, 0, len(lines)),
	}
	if attachments {
		dto.Attachments = attachmentDTOs(b.Attachments)
	}
	for _, l := range lines {
		dto.Lines = append(dto.Lines, c.journalLine(b, l, attachments))
	}
	return dto
}

func (c *company) journalLine(b *Batch, l Line, attachments bool) lineDTO {
	precision, base := c.precision(b.Currency), c.basePrecision()
	dto := lineDTO{
		LineNumber: l.Number, AccountNumber: l.Account, ReferenceNumber: l.Reference, Text: l.Text,
		Debit: number(l.BaseDebit, base), DebitInCur: number(l.Debit, precision),
		Credit: number(l.BaseCredit, base), CreditInCur: number(l.Credit, precision),
		Branch: c.padded(l.Branch), Module: "Module" + b.Module, Quantity: "0.0", Note: l.Note,
	}
	if account := c.accounts[l.Account]; account != nil {
		dto.Description = account.Description
	}
	if sub, ok := c.sub(l.Subaccount); ok {
		written := c.subaccountDTO(sub)
		dto.Subaccount = &written
	}
	if v, ok := c.vatCategory(l.VATCategory); ok {
		dto.VATCode = &idDTO{ID: v.CategoryID, Description: v.Description}
	}
	if v, ok := c.vat(l.VATID); ok {
		dto.VAT = &idDTO{ID: v.ID, Description: v.Description}
	}
	if attachments {
		dto.Attachments = attachmentDTOs(l.Attachments)
	}
	return dto
}

func attachmentDTOs(attachments []Attachment) []attachmentDTO {
	dtos := make([]attachmentDTO, 0, len(attachments))
	for _, a := range attachments {
		dtos = append(dtos, attachmentDTO{Name: a.Name, ID: a.ID, Revision: a.Revision})
	}
	return dtos
}

func (c *company) subaccountDTO(s subaccount) subaccountDTO {
	dto := subaccountDTO{Number: s.number, ID: s.id, Active: s.active()}
	for i, v := range s.values {
		if i > 0 {
			dto.Description += ", "
		}
		dto.Description += v.Description
		dto.Segments = append(dto.Segments, segmentDTO{
			ID: c.Segments[i].ID, Description: c.Segments[i].Description, Value: v.Value, ValueDescription: v.Description,
		})
	}
	return dto
}

// dateTime writes a date as the API does, without a zone.
func dateTime(t time.Time) string { return t.Format("2006-01-02T15:04:05") }

// moment writes a time without a zone; it is UTC.
func moment(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000") }

// local writes the "…Utc" members of a background operation, which in fact have the offset of the data
// centre.
func local(t time.Time) string {
	return t.In(time.FixedZone("", 3600)).Format("2006-01-02T15:04:05.999-07:00")
}
