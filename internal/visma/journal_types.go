package visma

// JournalTransactionUpdate is a journal transaction to write. Visma.net decides members that are nil.
// Source: Visma.net ERP API, Journal transaction (GL301000).
type JournalTransactionUpdate struct {
	BatchNumber             *Value[string]                 `json:"batchNumber,omitempty"` // with OverrideNumberSeries only
	Hold                    *Value[bool]                   `json:"hold,omitempty"`        // always set it: a company may hold every new batch by default
	TransactionDate         *Value[Date]                   `json:"transactionDate,omitempty"`
	PostPeriod              *Value[string]                 `json:"postPeriod,omitempty"`      // MMYYYY; send FinancialPeriod instead
	FinancialPeriod         *Value[string]                 `json:"financialPeriod,omitempty"` // YYYYPP, see Calendar
	Ledger                  *Value[string]                 `json:"ledger,omitempty"`
	CurrencyID              *Value[string]                 `json:"currencyId,omitempty"`
	ExchangeRate            *Value[Decimal]                `json:"exchangeRate,omitempty"`
	AutoReversing           *Value[bool]                   `json:"autoReversing,omitempty"`
	Description             *Value[string]                 `json:"description,omitempty"`
	ControlTotalInCurrency  *Value[Decimal]                `json:"controlTotalInCurrency,omitempty"`
	CreateVATTransaction    *Value[bool]                   `json:"createVatTransaction,omitempty"`
	SkipVATAmountValidation *Value[bool]                   `json:"skipVatAmountValidation,omitempty"`
	TransactionCode         *Value[string]                 `json:"transactionCode,omitempty"`
	Branch                  *Value[string]                 `json:"branch,omitempty"`
	OverrideNumberSeries    *Value[bool]                   `json:"overrideNumberSeries,omitempty"`
	Lines                   []JournalTransactionLineUpdate `json:"journalTransactionLines,omitempty"`
}

// Operation is the operation on a line; it is not wrapped in a Value.
type Operation string

// Insert is the operation of every line of a new batch. Visma.net ignores or
// refuses lines without one.
const Insert Operation = "Insert"

// JournalTransactionLineUpdate is a line to write. Amounts are in the currency of the batch.
type JournalTransactionLineUpdate struct {
	Operation              Operation       `json:"operation"` // Insert when empty
	LineNumber             *Value[int]     `json:"lineNumber,omitempty"`
	AccountNumber          *Value[string]  `json:"accountNumber,omitempty"`
	Subaccount             []SegmentUpdate `json:"subaccount,omitempty"` // every segment, in order
	Project                *Value[string]  `json:"project,omitempty"`
	ProjectTask            *Value[string]  `json:"projectTask,omitempty"`
	ReferenceNumber        *Value[string]  `json:"referenceNumber,omitempty"` // at most 15 characters
	TransactionDescription *Value[string]  `json:"transactionDescription,omitempty"`
	DebitAmountInCurrency  *Value[Decimal] `json:"debitAmountInCurrency,omitempty"`
	CreditAmountInCurrency *Value[Decimal] `json:"creditAmountInCurrency,omitempty"`
	VATCodeID              *Value[string]  `json:"vatCodeId,omitempty"`
	VATID                  *Value[string]  `json:"vatId,omitempty"`
	Branch                 *Value[string]  `json:"branch,omitempty"`
	UOM                    *Value[string]  `json:"uom,omitempty"`
	Quantity               *Value[Decimal] `json:"quantity,omitempty"`
	Note                   *Value[string]  `json:"note,omitempty"`
}

// SegmentUpdate is one segment of a subaccount; neither member is wrapped.
type SegmentUpdate struct {
	SegmentID    int    `json:"segmentId"` // from 1
	SegmentValue string `json:"segmentValue"`
}

// BatchStatus is the state of a batch; unknown values are kept.
type BatchStatus string

// The states of a batch from entry to the books.
const (
	BatchHold     BatchStatus = "Hold"     // a draft; cannot be released
	BatchBalanced BatchStatus = "Balanced" // can be released
	BatchUnposted BatchStatus = "Unposted" // released
	BatchPosted   BatchStatus = "Posted"   // released and in the balances
	BatchVoided   BatchStatus = "Voided"

	// BatchUnreleased is a filter for every state before Unposted; no batch
	// carries it.
	BatchUnreleased BatchStatus = "Unreleased"
)

// JournalTransaction is a batch as Visma.net keeps it. Source: Visma.net ERP
// API, Journal transaction (GL301000).
type JournalTransaction struct {
	Module                  string                   `json:"module"` // ModuleGL for Kvitt's batches
	BatchNumber             string                   `json:"batchNumber"`
	Status                  BatchStatus              `json:"status"`
	Hold                    bool                     `json:"hold"`
	TransactionDate         DateTime                 `json:"transactionDate"`
	PostPeriod              string                   `json:"postPeriod"`      // MMYYYY
	FinancialPeriod         string                   `json:"financialPeriod"` // YYYYPP
	Ledger                  string                   `json:"ledger"`
	LedgerDescription       string                   `json:"ledgerDescription"`
	CurrencyID              string                   `json:"currencyId"`
	ExchangeRate            Decimal                  `json:"exchangeRate"`
	AutoReversing           bool                     `json:"autoReversing"`
	ReversingEntry          bool                     `json:"reversingEntry"`
	Description             string                   `json:"description"`
	OriginalBatchNumber     string                   `json:"originalBatchNumber"`
	DebitTotal              Decimal                  `json:"debitTotal"`
	DebitTotalInCurrency    Decimal                  `json:"debitTotalInCurrency"`
	CreditTotal             Decimal                  `json:"creditTotal"`
	CreditTotalInCurrency   Decimal                  `json:"creditTotalInCurrency"`
	ControlTotal            Decimal                  `json:"controlTotal"`
	ControlTotalInCurrency  Decimal                  `json:"controlTotalInCurrency"`
	CreateVATTransaction    bool                     `json:"createVatTransaction"`
	SkipVATAmountValidation bool                     `json:"skipVatAmountValidation"`
	LastModified            DateTime                 `json:"lastModifiedDateTime"`
	TransactionCode         string                   `json:"transactionCode"`
	TransactionCodeText     string                   `json:"transactionCodeDescription"`
	Branch                  string                   `json:"branch"`
	TimeStamp               string                   `json:"timeStamp"` // the ETag without its quotes
	Lines                   []JournalTransactionLine `json:"journalTransactionLines"`
	Attachments             []Attachment             `json:"attachments"`
	Listed
}

// Released reports whether the batch is in the books: Unposted and Posted are both final.
func (t *JournalTransaction) Released() bool {
	return t.Status == BatchUnposted || t.Status == BatchPosted
}

// JournalTransactionLine is a line of a batch as Visma.net keeps it.
type JournalTransactionLine struct {
	LineNumber             int           `json:"lineNumber"`
	AccountNumber          string        `json:"accountNumber"`
	Description            string        `json:"description"` // of the account
	Subaccount             Subaccount    `json:"subaccount"`
	ReferenceNumber        string        `json:"referenceNumber"`
	DebitAmount            Decimal       `json:"debitAmount"`
	DebitAmountInCurrency  Decimal       `json:"debitAmountInCurrency"`
	CreditAmount           Decimal       `json:"creditAmount"`
	CreditAmountInCurrency Decimal       `json:"creditAmountInCurrency"`
	TransactionDescription string        `json:"transactionDescription"`
	VATCode                IDDescription `json:"vatCode"`
	VAT                    IDDescription `json:"vat"`
	Branch                 string        `json:"branch"`
	CustomerSupplier       string        `json:"customerSupplier"`
	TransactionType        string        `json:"transactionType"`
	Module                 string        `json:"module"`
	UOM                    string        `json:"uom"`
	Project                IDDescription `json:"project"`
	ProjectTask            IDDescription `json:"projectTask"`
	Attachments            []Attachment  `json:"attachments"`
	Quantity               Decimal       `json:"quantity"`
	InventoryNumber        string        `json:"inventoryNumber"`
	Note                   string        `json:"note"`
}

// Attachment is a file attached to a batch or a line. Adding a file of the same name makes a new revision
// of it.
type Attachment struct {
	Name     string `json:"name"`
	ID       string `json:"id"`
	Revision int    `json:"revision"`
}
