package vismasim

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
)

// value is a scalar of a write DTO, {"value": x}: not set when it is absent, cleared when x is null.
type value[T any] struct {
	set, null bool
	v         T
}

func (v *value[T]) UnmarshalJSON(b []byte) error {
	if bytes.Equal(b, []byte("null")) {
		return nil
	}
	var wrapped struct {
		Value *json.RawMessage `json:"value"`
	}
	if err := json.Unmarshal(b, &wrapped); err != nil {
		return fmt.Errorf(`a scalar must be written {"value": …}: %w`, err)
	}
	if wrapped.Value == nil {
		// Both {} and {"value":null} end here; only the second one clears.
		v.set = bytes.Contains(b, []byte("value"))
		v.null = v.set
		return nil
	}
	v.set = true
	return json.Unmarshal(*wrapped.Value, &v.v)
}

// or returns the value, or otherwise if it was not set or was cleared.
func (v value[T]) or(otherwise T) T {
	if !v.set || v.null {
		return otherwise
	}
	return v.v
}

// given reports whether a value, not null, was sent.
func (v value[T]) given() bool { return v.set && !v.null }

// journalUpdate is the body of POST and PUT of a journal transaction. Unknown members are ignored.
type journalUpdate struct {
	Hold            value[bool]    `json:"hold"`
	TransactionDate value[string]  `json:"transactionDate"`
	PostPeriod      value[string]  `json:"postPeriod"`      // PPYYYY
	FinancialPeriod value[string]  `json:"financialPeriod"` // YYYYPP
	Ledger          value[string]  `json:"ledger"`
	CurrencyID      value[string]  `json:"currencyId"`
	ExchangeRate    value[literal] `json:"exchangeRate"`
	AutoReversing   value[bool]    `json:"autoReversing"`
	Description     value[string]  `json:"description"`
	ControlTotal    value[literal] `json:"controlTotalInCurrency"`
	CreateVAT       value[bool]    `json:"createVatTransaction"`
	SkipVATCheck    value[bool]    `json:"skipVatAmountValidation"`
	TransactionCode value[string]  `json:"transactionCode"`
	Branch          value[string]  `json:"branch"`
	Lines           []lineUpdate   `json:"journalTransactionLines"`
}

type lineUpdate struct {
	Operation  string           `json:"operation"` // plain, not {"value":…}
	LineNumber value[int]       `json:"lineNumber"`
	Account    value[string]    `json:"accountNumber"`
	Subaccount *[]segmentUpdate `json:"subaccount"` // a plain list
	Reference  value[string]    `json:"referenceNumber"`
	Text       value[string]    `json:"transactionDescription"`
	Debit      value[literal]   `json:"debitAmountInCurrency"`
	Credit     value[literal]   `json:"creditAmountInCurrency"`
	VATCodeID  value[string]    `json:"vatCodeId"`
	VATID      value[string]    `json:"vatId"`
	Branch     value[string]    `json:"branch"`
	Note       value[string]    `json:"note"`
}

type segmentUpdate struct {
	ID    int    `json:"segmentId"`
	Value string `json:"segmentValue"`
}

func readUpdate(body []byte) (*journalUpdate, error) {
	var u journalUpdate
	if len(bytes.TrimSpace(body)) == 0 {
		return nil, errors.New("the body is empty")
	}
	if err := json.Unmarshal(body, &u); err != nil {
		return nil, err
	}
	return &u, nil
}
