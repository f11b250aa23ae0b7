package klarna

import (
	"bytes"

	"github.com/go-json-experiment/json/jsontext"
)

// Look tells a file by its beginning.
type Look string

// What people have at hand when they look for Klarna's documents.
const (
	LooksEmpty        Look = "empty"
	LooksPayout       Look = "payout"       // of /payouts/{payment_reference}
	LooksPayouts      Look = "payouts"      // a page of /payouts
	LooksTransactions Look = "transactions" // a page of /transactions, or its rows alone
	LooksRefusal      Look = "refusal"      // Klarna's answer that something went wrong
	LooksJSON         Look = "json"         // some other JSON
	LooksHTML         Look = "html"
	LooksPDF          Look = "pdf"
	LooksPacked       Look = "packed" // gzip or zip, such as a spreadsheet
	LooksText         Look = "text"   // such as CSV
)

// LookAt tells what a file is by its beginning; a few thousand bytes are enough.
// It is a guess for messages: the readers decide.
func LookAt(start []byte) Look {
	start = trimBOM(start)
	body := bytes.TrimSpace(start)
	switch {
	case len(body) == 0:
		return LooksEmpty
	case bytes.HasPrefix(body, []byte("\x1f\x8b")), bytes.HasPrefix(body, []byte("PK\x03\x04")):
		return LooksPacked
	case bytes.HasPrefix(body, []byte("%PDF-")):
		return LooksPDF
	case looksLikeHTML(body), body[0] == '<':
		return LooksHTML
	case body[0] == '{':
		return lookAtObject(body)
	case body[0] == '[':
		return lookAtArray(body)
	}
	return LooksText
}

// memberLooks are members that only one kind of document has.
var memberLooks = map[string]Look{
	"totals": LooksPayout, "payment_reference": LooksPayout, "payout_date": LooksPayout, "merchant_settlement_type": LooksPayout,
	"payouts":    LooksPayouts,
	"error_code": LooksRefusal, "error_messages": LooksRefusal, "error_message": LooksRefusal,
}

func lookAtObject(body []byte) Look {
	d := jsontext.NewDecoder(bytes.NewReader(body), jsontext.AllowDuplicateNames(true))
	if _, err := d.ReadToken(); err != nil {
		return LooksJSON
	}
	for d.PeekKind() == '"' {
		name, err := d.ReadToken()
		if err != nil {
			return LooksJSON
		}
		if look, ok := memberLooks[name.String()]; ok {
			return look
		}
		if name.String() == "transactions" {
			if d.PeekKind() == '[' {
				return LooksTransactions
			}
			return LooksPayout // which has the link to them
		}
		if err := d.SkipValue(); err != nil {
			return LooksJSON
		}
	}
	return LooksJSON
}

// lookAtArray tells rows from other arrays by the first element.
func lookAtArray(body []byte) Look {
	d := jsontext.NewDecoder(bytes.NewReader(body), jsontext.AllowDuplicateNames(true))
	if _, err := d.ReadToken(); err != nil {
		return LooksJSON
	}
	if d.PeekKind() == ']' {
		return LooksTransactions
	}
	if d.PeekKind() != '{' {
		return LooksJSON
	}
	if _, err := d.ReadToken(); err != nil {
		return LooksJSON
	}
	for d.PeekKind() == '"' {
		name, err := d.ReadToken()
		if err != nil {
			break
		}
		switch name.String() {
		case "type", "detailed_type", "amount", "capture_date":
			return LooksTransactions
		case "totals", "payout_date":
			return LooksPayouts
		}
		if err := d.SkipValue(); err != nil {
			break
		}
	}
	return LooksJSON
}
