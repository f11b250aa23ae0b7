package visma

import (
	"encoding/json"
	"testing"
	"time"
)

func TestEveryFormOfDateIsReadAndItsDayNeverMoves(t *testing.T) {
	for _, c := range []struct {
		text  string
		day   string
		zoned bool
	}{
		{"2026-01-31", "2026-01-31", false},
		{"2026-01-31T00:00:00", "2026-01-31", false},
		{"2026-01-31T23:59:59.9999999", "2026-01-31", false},
		{"2026-01-31 10:20:53", "2026-01-31", false},
		{"2026-01-31T10:20", "2026-01-31", false},
		{"2026-01-31T00:00:00Z", "2026-01-31", true},
		{"2026-01-31T00:00:00+01:00", "2026-01-31", true}, // the 30th in UTC
		{"2026-01-31T23:30:00-02:00", "2026-01-31", true}, // the 1st in UTC
		{"2022-11-10T10:20:53.75+01:00", "2022-11-10", true},
		{"2022-11-10T10:20:53.393+0100", "2022-11-10", true},
	} {
		var dt DateTime
		if err := json.Unmarshal([]byte(`"`+c.text+`"`), &dt); err != nil {
			t.Errorf("%s: %v", c.text, err)
			continue
		}
		if dt.Date().String() != c.day || dt.Zoned != c.zoned {
			t.Errorf("%s is the day %s, zoned %t; want %s, %t", c.text, dt.Date(), dt.Zoned, c.day, c.zoned)
		}
		var d Date
		if err := json.Unmarshal([]byte(`"`+c.text+`"`), &d); err != nil || d.String() != c.day {
			t.Errorf("%s as a date is %s (%v), want %s", c.text, d, err, c.day)
		}
	}
}

func TestMomentsWithAnOffsetAreTheMomentTheyName(t *testing.T) {
	var dt DateTime
	if err := json.Unmarshal([]byte(`"2022-11-10T10:20:53.75+01:00"`), &dt); err != nil {
		t.Fatal(err)
	}
	if want := time.Date(2022, 11, 10, 9, 20, 53, 750_000_000, time.UTC); !dt.Time.Equal(want) {
		t.Errorf("read as %s, want %s", dt.Time, want)
	}
}

func TestADateThatIsNotSetIsZero(t *testing.T) {
	for _, text := range []string{`null`, `""`, `"0001-01-01T00:00:00"`} {
		var dt DateTime
		var d Date
		if err := json.Unmarshal([]byte(text), &dt); err != nil || !dt.IsZero() || !dt.Date().IsZero() {
			t.Errorf("%s is %v (%v)", text, dt, err)
		}
		if err := json.Unmarshal([]byte(text), &d); err != nil || !d.IsZero() || d.String() != "" {
			t.Errorf("%s is the day %v (%v)", text, d, err)
		}
	}
	if b, err := json.Marshal([]any{Date{}, DateTime{}}); err != nil || string(b) != "[null,null]" {
		t.Errorf("written as %s (%v)", b, err)
	}
}

func TestAnInvalidDateIsAnError(t *testing.T) {
	for _, text := range []string{`"yesterday"`, `"2026-02-30"`, `20260131`, `"31.01.2026"`, `{}`} {
		var dt DateTime
		if err := json.Unmarshal([]byte(text), &dt); err == nil {
			t.Errorf("%s was read as %v", text, dt)
		}
	}
}

func TestADayIsWrittenAsMidnightWithoutZone(t *testing.T) {
	b, err := json.Marshal(V(Date{Year: 2026, Month: time.January, Day: 31}))
	if err != nil || string(b) != `{"value":"2026-01-31T00:00:00"}` {
		t.Errorf("written as %s (%v)", b, err)
	}
}

func TestDatesAreCountedInDays(t *testing.T) {
	d, err := ParseDate("2028-02-28")
	if err != nil {
		t.Fatal(err)
	}
	if got := d.AddDays(2).String(); got != "2028-03-01" {
		t.Errorf("two days after %s is %s", d, got)
	}
	if d.Compare(d.AddDays(1)) != -1 || d.Compare(d) != 0 || d.AddDays(1).Compare(d) != 1 {
		t.Error("days do not compare")
	}
	stockholm := time.FixedZone("CET", 3600)
	if got := DateOf(time.Date(2026, 1, 31, 23, 30, 0, 0, time.UTC).In(stockholm)).String(); got != "2026-02-01" {
		t.Errorf("half past midnight in Stockholm is %s", got)
	}
}
