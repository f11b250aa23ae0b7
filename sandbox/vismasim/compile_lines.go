package vismasim

import (
	"math/big"
	"slices"
	"strings"
)

var one = big.NewRat(1, 1)

// lines carries out each line's operation.
func (k compiler) lines(b *Batch, u *journalUpdate) error {
	for i := range u.Lines {
		line := &u.Lines[i]
		var err error
		switch line.Operation {
		case "Insert":
			b.LastLine++
			b.Lines = append(b.Lines, Line{Number: b.LastLine, Branch: b.Branch})
			err = k.line(b, &b.Lines[len(b.Lines)-1], line)
		case "Update":
			existing := b.line(line.LineNumber.or(0))
			if existing == nil {
				return k.no("Line number '%d' cannot be found in the batch.", line.LineNumber.or(0))
			}
			err = k.line(b, existing, line)
		case "Delete":
			if b.line(line.LineNumber.or(0)) == nil {
				return k.no("Line number '%d' cannot be found in the batch.", line.LineNumber.or(0))
			}
			b.Lines = slices.DeleteFunc(b.Lines, func(l Line) bool { return l.Number == line.LineNumber.v })
		default:
			return k.no("JournalTransactionLines[%d]: operation '%s' is not one of Insert, Update, Delete.", i, line.Operation)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (k compiler) line(b *Batch, l *Line, u *lineUpdate) error {
	l.Account = u.Account.or(l.Account)
	l.Branch = u.Branch.or(l.Branch)
	if u.Reference.set {
		l.Reference = u.Reference.or("")
	}
	if u.Text.set {
		l.Text = u.Text.or("")
	}
	if u.Note.set {
		l.Note = u.Note.or("")
	}
	for _, check := range []func() error{
		func() error { return k.branch(l.Branch) },
		func() error { return k.account(l.Account, b.Currency) },
		func() error { return k.subaccount(l, u.Subaccount) },
		func() error { return k.tooLong("ReferenceNumber", l.Reference, k.limits.Reference) },
		func() error { return k.tooLong("TransactionDescription", l.Text, k.limits.LineText) },
		func() error { return k.amounts(b, l, u) },
		func() error { return k.vat(l, u) },
	} {
		if err := check(); err != nil {
			return err
		}
	}
	return nil
}

func (k compiler) account(number, currency string) error {
	account := k.c.accounts[number]
	switch {
	case number == "":
		return k.no("'Account' cannot be empty.")
	case account == nil:
		return k.no("AccountID '%s' cannot be found in the system.", number)
	case account.Inactive:
		return k.no("Account '%s' is inactive.", number)
	case account.NoManualEntry:
		return k.no("Account '%s' does not allow manual entry.", number)
	case account.ControlModule != "":
		return k.no("Account '%s' is a control account of module %s and cannot be used in a manual journal transaction.", number, account.ControlModule)
	case number == k.c.YTDAccount:
		return k.no("Account '%s' is the YTD net income account; entries to it are not allowed.", number)
	case account.Currency != "" && account.Currency != currency:
		return k.no("Account '%s' is denominated in %s; a batch in %s cannot use it.", number, account.Currency, currency)
	}
	return nil
}

// subaccount requires every segment, in order, with its exact zero-padded value.
func (k compiler) subaccount(l *Line, segments *[]segmentUpdate) error {
	if len(k.c.Segments) == 0 {
		return nil
	}
	if segments == nil || len(*segments) == 0 {
		if l.Subaccount == "" {
			return k.no("'Subaccount' cannot be empty.")
		}
		return nil
	}
	values := make([]string, 0, len(k.c.Segments))
	for i, segment := range k.c.Segments {
		if i >= len(*segments) {
			return k.no("Segment %d (%s) of the subaccount is missing.", segment.ID, segment.Description)
		}
		sent := (*segments)[i]
		if sent.ID != segment.ID {
			return k.no("Segment %d of the subaccount was expected, segment %d was found.", segment.ID, sent.ID)
		}
		if !segment.allows(sent.Value) {
			return k.no("'%s' is not a valid value for segment %d (%s) of the subaccount.", sent.Value, segment.ID, segment.Description)
		}
		values = append(values, sent.Value)
	}
	if len(*segments) > len(k.c.Segments) {
		return k.no("Segment %d does not exist in the subaccount.", (*segments)[len(k.c.Segments)].ID)
	}
	l.Subaccount = strings.Join(values, "-")
	return nil
}

func (s Segment) allows(value string) bool {
	return slices.ContainsFunc(s.Values, func(v SegmentValue) bool { return v.Value == value && !v.Inactive })
}

func (k compiler) amounts(b *Batch, l *Line, u *lineUpdate) error {
	precision := k.c.precision(b.Currency)
	for _, side := range []struct {
		name string
		sent value[literal]
		into *int64
	}{{"DebitAmountInCurrency", u.Debit, &l.Debit}, {"CreditAmountInCurrency", u.Credit, &l.Credit}} {
		if !side.sent.set {
			continue
		}
		minor, err := side.sent.or("0").minor(precision)
		if err != nil {
			return k.no("%s '%s' %s.", side.name, string(side.sent.v), amountProblem(err))
		}
		if minor < 0 {
			return k.no("%s '%s' is negative.", side.name, string(side.sent.v))
		}
		*side.into = minor
	}
	switch {
	case l.Debit != 0 && l.Credit != 0:
		return k.no("Line %d has both a debit and a credit amount.", l.Number)
	case l.Debit == 0 && l.Credit == 0:
		return k.no("Line %d has neither a debit nor a credit amount.", l.Number)
	}
	return nil
}

func (k compiler) vat(l *Line, u *lineUpdate) error {
	if a := k.c.accounts[l.Account]; a != nil && l.VATCategory == "" {
		l.VATCategory = a.VATCategory
	}
	if u.VATCodeID.set {
		l.VATCategory = u.VATCodeID.or("")
	}
	if u.VATID.set {
		l.VATID = u.VATID.or("")
	}
	if l.VATCategory != "" {
		if _, ok := k.c.vatCategory(l.VATCategory); !ok {
			return k.no("TaxCategoryID '%s' cannot be found in the system.", l.VATCategory)
		}
	}
	if l.VATID != "" {
		if _, ok := k.c.vat(l.VATID); !ok {
			return k.no("TaxID '%s' cannot be found in the system.", l.VATID)
		}
	}
	return nil
}
