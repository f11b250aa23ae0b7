package visma

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
)

// referenceFile returns a file of the reference folder, or skips the test and
// says what is not checked.
func referenceFile(t *testing.T, unchecked string, path ...string) string {
	t.Helper()
	dir := os.Getenv("KVITT_REFERENCE_DIR")
	if dir == "" {
		t.Skipf("KVITT_REFERENCE_DIR is not set: not checked: %s", unchecked)
	}
	return filepath.Join(append([]string{dir}, path...)...)
}

// absent are the parts of our contract that are missing in Visma's rebuilt description, and what replaces
// them.
var absent = map[string]string{
	"POST /v2/journaltransaction/{journalTransactionNumber}/action/release 200": "ReleaseInvoiceActionResultDto",
}

func TestWhatOurContractNamesExistsInVismasDescription(t *testing.T) {
	file := referenceFile(t, "openapi.yaml against Visma's own description", "specs", "visma-net-erp.openapi.json")
	theirs, err := openapi3.NewLoader().LoadFromFile(file)
	if err != nil {
		t.Fatal(err)
	}
	ours := loadContract(t)
	for path, item := range ours.Paths.Map() {
		if strings.HasPrefix(path, "/v1/dimension/") {
			path = "/v1/dimension/{dimensionId}"
		}
		their := theirs.Paths.Value(path)
		if their == nil {
			t.Errorf("the path %s does not exist", path)
			continue
		}
		for method, operation := range item.Operations() {
			at := method + " " + path
			if their.GetOperation(method) == nil {
				t.Errorf("%s does not exist", at)
				continue
			}
			compareOperation(t, at, operation, their.GetOperation(method), theirs)
		}
	}
}

func compareOperation(t *testing.T, at string, our, their *openapi3.Operation, theirs *openapi3.T) {
	t.Helper()
	for _, ref := range our.Parameters {
		p := ref.Value
		match := their.Parameters.GetByInAndName(p.In, p.Name)
		if match == nil {
			t.Errorf("%s: there is no parameter %s in the %s", at, p.Name, p.In)
			continue
		}
		if !match.Schema.Value.Type.Is(p.Schema.Value.Type.Slice()[0]) {
			t.Errorf("%s: the parameter %s is %v there and %v here", at, p.Name, match.Schema.Value.Type, p.Schema.Value.Type)
		}
		for _, value := range p.Schema.Value.Enum {
			if len(match.Schema.Value.Enum) > 0 && !slices.Contains(match.Schema.Value.Enum, value) {
				t.Errorf("%s: the parameter %s does not take %v", at, p.Name, value)
			}
		}
	}
	for _, ref := range their.Parameters {
		if p := ref.Value; p.Required && our.Parameters.GetByInAndName(p.In, p.Name) == nil {
			t.Errorf("%s: the parameter %s is required there and missing here", at, p.Name)
		}
	}
	if our.RequestBody != nil && their.RequestBody != nil {
		compareSchema(t, at+" body", jsonSchema(our.RequestBody.Value.Content), jsonSchema(their.RequestBody.Value.Content))
	}
	for _, status := range []string{"200", "202"} {
		answer := our.Responses.Value(status)
		if answer == nil || jsonSchema(answer.Value.Content) == nil {
			continue
		}
		var schema *openapi3.Schema
		if match := their.Responses.Value(status); match != nil {
			schema = jsonSchema(match.Value.Content)
		} else if name, ok := absent[at+" "+status]; ok {
			schema = theirs.Components.Schemas[name].Value
		}
		compareSchema(t, at+" "+status, jsonSchema(answer.Value.Content), schema)
	}
}

func jsonSchema(content openapi3.Content) *openapi3.Schema {
	media := content.Get("application/json")
	if media == nil || media.Schema == nil {
		return nil
	}
	schema := media.Schema.Value
	if len(schema.OneOf) > 0 {
		return schema.OneOf[0].Value // the bare array; the other shape holds the same records
	}
	return schema
}

// compareSchema checks that every member of our schema exists in theirs with the same type. Theirs has
// more.
func compareSchema(t *testing.T, at string, our, their *openapi3.Schema) {
	t.Helper()
	switch {
	case our == nil || their == nil:
		if our != nil {
			t.Errorf("%s: Visma's description has none", at)
		}
	case !our.Type.Is(their.Type.Slice()[0]):
		t.Errorf("%s is %v there and %v here", at, their.Type, our.Type)
	case our.Items != nil:
		compareSchema(t, at+"[]", our.Items.Value, their.Items.Value)
	default:
		for name, member := range our.Properties {
			match := their.Properties[name]
			if match == nil {
				t.Errorf("%s has no member %s", at, name)
				continue
			}
			compareSchema(t, at+"."+name, member.Value, match.Value)
		}
	}
}

func TestEveryExampleOfVismaNetIsRead(t *testing.T) {
	dir := referenceFile(t, "our types against the examples of Visma.net", "examples", "visma")
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range entries {
		t.Run(entry.Name(), func(t *testing.T) {
			body, err := os.ReadFile(filepath.Join(dir, entry.Name()))
			if err != nil {
				t.Fatal(err)
			}
			readExample(t, entry.Name(), body)
		})
	}
}

func readExample(t *testing.T, name string, body []byte) {
	t.Helper()
	decode := func(into any, strict bool) {
		d := json.NewDecoder(bytes.NewReader(body))
		if strict {
			d.DisallowUnknownFields()
		}
		if err := d.Decode(into); err != nil {
			t.Error(err)
		}
	}
	switch {
	case name == "background.accepted.202.json":
		accepted, err := (&request{write: true}).accepted(&answer{status: http.StatusAccepted, body: body})
		if err != nil || accepted.JobID == "" {
			t.Errorf("%+v, %v", accepted, err)
		}
	case strings.HasPrefix(name, "background.state"):
		var job Job
		decode(&job, false)
		if job.Err("create", nil) == nil || job.StatusCode != 400 || !job.FinishedUTC.Zoned {
			t.Errorf("%+v", job)
		}
	case strings.HasPrefix(name, "background.content"), name == "error.ippexception.json":
		if s := readError(http.Header{}, body); s.words == "" || strings.Contains(s.words, "{") {
			t.Errorf("%+v", s)
		}
	case name == "error.message.json":
		var examples []struct {
			HTTP int
			Body json.RawMessage
		}
		decode(&examples, true)
		for _, example := range examples {
			if s := readError(http.Header{}, example.Body); s.words == "" || strings.Contains(s.words, "VismaId: 6c6eb585") && s.requestID != "6c6eb585-da38-4765-b80d-e9552a8721f8" {
				t.Errorf("%+v", s)
			}
		}
	case strings.HasPrefix(name, "journaltransaction_v2.GET"):
		var batch JournalTransaction
		decode(&batch, false)
		if len(batch.Lines) != 1 || batch.Metadata.TotalCount == nil {
			t.Errorf("%+v", batch)
		}
	case strings.HasPrefix(name, "journaltransaction_v2.POST"):
		var update JournalTransactionUpdate
		decode(&update, true)
	default: // of endpoints and of Visma Connect that other tests read, or none
		if strings.HasSuffix(name, ".json") && !json.Valid(body) {
			t.Error("it is not JSON")
		}
	}
}

// What Kvitt writes may only have members that the example of a write has, or that Visma's description
// adds to it.
func TestWhatIsSentHasOnlyMembersThatVismaNetKnows(t *testing.T) {
	file := referenceFile(t, "the vouchers that are sent against Visma's own description", "specs", "visma-net-erp.openapi.json")
	theirs, err := openapi3.NewLoader().LoadFromFile(file)
	if err != nil {
		t.Fatal(err)
	}
	sent, err := json.Marshal(fullUpdate())
	if err != nil {
		t.Fatal(err)
	}
	var document any
	if err := json.Unmarshal(sent, &document); err != nil {
		t.Fatal(err)
	}
	onlyKnown(t, "voucher", document, theirs.Components.Schemas["JournalTransactionUpdateDto"].Value)
}

func onlyKnown(t *testing.T, at string, value any, schema *openapi3.Schema) {
	t.Helper()
	switch v := value.(type) {
	case map[string]any:
		for name, member := range v {
			known := schema.Properties[name]
			if known == nil {
				t.Errorf("%s.%s is not known", at, name)
				continue
			}
			onlyKnown(t, at+"."+name, member, known.Value)
		}
	case []any:
		for i, item := range v {
			onlyKnown(t, fmt.Sprintf("%s[%d]", at, i), item, schema.Items.Value)
		}
	case string:
		if !schema.Type.Is("string") {
			t.Errorf("%s is a string, and %v there", at, schema.Type)
		}
	case float64:
		if !schema.Type.Is("number") && !schema.Type.Is("integer") {
			t.Errorf("%s is a number, and %v there", at, schema.Type)
		}
	case bool:
		if !schema.Type.Is("boolean") {
			t.Errorf("%s is a boolean, and %v there", at, schema.Type)
		}
	}
}

// fullUpdate is a voucher that uses every member there is.
func fullUpdate() JournalTransactionUpdate {
	u := testUpdate()
	u.BatchNumber, u.OverrideNumberSeries = V("000042"), V(true)
	u.PostPeriod, u.ExchangeRate = V("012026"), V(FromMinor(1, 0))
	u.AutoReversing, u.CreateVATTransaction, u.SkipVATAmountValidation = V(false), V(false), V(false)
	u.ControlTotalInCurrency = V(FromMinor(8590000, 2))
	u.TransactionCode, u.Branch = V("KLARNA"), V("1")
	u.Lines = append(u.Lines, JournalTransactionLineUpdate{
		Operation: Insert, LineNumber: V(3), AccountNumber: V("6064"), Subaccount: []SegmentUpdate{{SegmentID: 1, SegmentValue: "0001"}},
		Project: V("X"), ProjectTask: V("1"), ReferenceNumber: V("PAY1"), TransactionDescription: V("Klarna fee"),
		DebitAmountInCurrency: V(FromMinor(0, 2)), CreditAmountInCurrency: V(FromMinor(0, 2)),
		VATCodeID: V("25"), VATID: V("25I"), Branch: V("1"), UOM: V("ST"), Quantity: V(FromMinor(10, 1)), Note: V("n"),
	})
	for i := range u.Lines {
		u.Lines[i].Operation = Insert
	}
	return u
}

func TestAVoucherWithEveryMemberIsWithinTheContract(t *testing.T) {
	c, _ := newTestClient(t, serve(t, answerJSON(http.StatusAccepted, `{"id":"1"}`)))
	if _, err := c.CreateJournalTransaction(t.Context(), fullUpdate()); err != nil {
		t.Error(err)
	}
}
