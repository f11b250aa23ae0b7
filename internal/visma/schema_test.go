package visma

import (
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/google/go-cmp/cmp"
)

// documented are the types that are sent or read, by their name in openapi.yaml. The types of their
// members are checked too.
var documented = map[string]any{
	"Organization": Organization{}, "Branch": Branch{}, "Ledger": Ledger{}, "Currency": Currency{},
	"Account": Account{}, "Subaccount": Subaccount{}, "Dimension": Dimension{}, "FinancialPeriod": FinancialPeriod{}, "VAT": VAT{},
	"JournalTransactionUpdate": JournalTransactionUpdate{}, "JournalTransaction": JournalTransaction{}, "ReleaseResult": ReleaseResult{},
	"Job": Job{}, "GeneralLedgerTransaction": GeneralLedgerTransaction{}, "GeneralLedgerBalance": GeneralLedgerBalance{},
}

func TestTheTypesAndTheContractHaveTheSameMembers(t *testing.T) {
	doc := loadContract(t)
	for name, example := range documented {
		t.Run(name, func(t *testing.T) {
			compareType(t, name, reflect.TypeOf(example), doc.Components.Schemas[name].Value)
		})
	}
}

func compareType(t *testing.T, at string, typ reflect.Type, schema *openapi3.Schema) {
	t.Helper()
	if typ.Kind() == reflect.Pointer {
		typ = typ.Elem()
	}
	if want := jsonType(typ); !schema.Type.Is(want) {
		t.Errorf("%s is %s in Go and %v in the contract", at, want, schema.Type)
		return
	}
	switch {
	case typ.Kind() == reflect.Slice:
		compareType(t, at+"[]", typ.Elem(), schema.Items.Value)
	case jsonType(typ) == "object" && typ.Kind() == reflect.Struct:
		members := jsonMembers(typ)
		if diff := cmp.Diff(slices.Sorted(maps.Keys(schema.Properties)), slices.Sorted(maps.Keys(members))); diff != "" {
			t.Errorf("%s: the members differ (-contract +Go):\n%s", at, diff)
			return
		}
		for name, member := range members {
			compareType(t, at+"."+name, member, schema.Properties[name].Value)
		}
	}
}

func jsonType(typ reflect.Type) string {
	switch typ {
	case reflect.TypeFor[Decimal]():
		return "number"
	case reflect.TypeFor[Date](), reflect.TypeFor[DateTime]():
		return "string"
	}
	switch typ.Kind() {
	case reflect.String:
		return "string"
	case reflect.Bool:
		return "boolean"
	case reflect.Int, reflect.Int64:
		return "integer"
	case reflect.Slice:
		return "array"
	default:
		return "object"
	}
}

// jsonMembers returns the members of a struct, those of embedded structs
// included, by their JSON name.
func jsonMembers(typ reflect.Type) map[string]reflect.Type {
	members := map[string]reflect.Type{}
	for field := range typ.Fields() {
		name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
		switch {
		case field.Anonymous:
			maps.Copy(members, jsonMembers(field.Type))
		case name != "-":
			members[name] = field.Type
		}
	}
	return members
}

func TestTheContractCheckFindsErrors(t *testing.T) {
	doc := loadContract(t)
	if n := doc.Paths.Len(); n < 15 {
		t.Errorf("the contract has %d paths", n)
	}
	update := doc.Components.Schemas["JournalTransactionUpdate"].Value
	if err := update.VisitJSON(map[string]any{"hold": map[string]any{"value": "no"}}); err == nil {
		t.Error("a wrong voucher passed")
	}
}
