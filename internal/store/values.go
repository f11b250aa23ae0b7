package store

import (
	"database/sql/driver"
	"encoding/json"
	"fmt"
	"strings"
	"time"
)

// The types below are both a column's value and its destination, so that one
// list of cells per record serves for writing and for reading.

// text is a TEXT column.
type text struct{ at *string }

func (t text) Value() (driver.Value, error) { return clean(*t.at), nil }

func (t text) Scan(src any) error {
	switch v := src.(type) {
	case string:
		*t.at = v
	case []byte:
		*t.at = string(v)
	default:
		return fmt.Errorf("read text: the column holds %T", src)
	}
	return nil
}

// optional is a TEXT column that holds NULL for "".
type optional struct{ at *string }

func (o optional) Value() (driver.Value, error) {
	if *o.at == "" {
		return nil, nil //nolint:nilnil // NULL
	}
	return clean(*o.at), nil
}

func (o optional) Scan(src any) error {
	if *o.at = ""; src == nil {
		return nil
	}
	return text(o).Scan(src)
}

// jsonText is a TEXT column that holds JSON exactly as it was given, ” for
// none.
type jsonText struct {
	column string
	at     *json.RawMessage
}

func (j jsonText) Value() (driver.Value, error) {
	if len(*j.at) == 0 {
		return "", nil
	}
	if !json.Valid(*j.at) {
		return nil, fmt.Errorf("write %s: the value is not JSON", j.column)
	}
	return clean(string(*j.at)), nil
}

func (j jsonText) Scan(src any) error {
	var s string
	if err := (text{&s}).Scan(src); err != nil {
		return err
	}
	*j.at = nil
	if s != "" {
		*j.at = json.RawMessage(s)
	}
	return nil
}

// instant is a BIGINT column that holds a time.
type instant struct{ at *time.Time }

func (i instant) Value() (driver.Value, error) { return i.at.UnixMicro(), nil }

func (i instant) Scan(src any) error {
	v, ok := src.(int64)
	if !ok {
		return fmt.Errorf("read a time: the column holds %T", src)
	}
	*i.at = time.UnixMicro(v).UTC()
	return nil
}

// maybe is a BIGINT column that holds a time or NULL.
type maybe struct{ at **time.Time }

func (m maybe) Value() (driver.Value, error) {
	if *m.at == nil {
		return nil, nil //nolint:nilnil // NULL
	}
	return (*m.at).UnixMicro(), nil
}

func (m maybe) Scan(src any) error {
	*m.at = nil
	if src == nil {
		return nil
	}
	var t time.Time
	if err := (instant{&t}).Scan(src); err != nil {
		return err
	}
	*m.at = &t
	return nil
}

// blob is a BYTEA column.
type blob struct{ at *[]byte }

func (b blob) Value() (driver.Value, error) {
	if *b.at == nil {
		return []byte{}, nil
	}
	return *b.at, nil
}

func (b blob) Scan(src any) error {
	switch v := src.(type) {
	case nil: // an empty blob, as the SQLite driver returns it
		*b.at = []byte{}
	case []byte:
		*b.at = append([]byte{}, v...)
	default:
		return fmt.Errorf("read bytes: the column holds %T", src)
	}
	return nil
}

// now returns the time to write: UTC, to the microsecond.
func now() time.Time { return time.Now().UTC().Truncate(time.Microsecond) }

// clean makes a text acceptable to both databases: PostgreSQL refuses invalid UTF-8 and the NUL character,
// which come from outside now and then.
func clean(s string) string {
	s = strings.ToValidUTF8(s, "\uFFFD")
	if strings.IndexByte(s, 0) >= 0 {
		s = strings.ReplaceAll(s, "\x00", "\uFFFD")
	}
	return s
}

// cleaned returns args with every plain string cleaned.
func cleaned(args []any) []any {
	for i, a := range args {
		if s, ok := a.(string); ok {
			args[i] = clean(s)
		}
	}
	return args
}
