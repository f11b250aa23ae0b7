package workflows

import (
	enumspb "go.temporal.io/api/enums/v1"
	"go.temporal.io/sdk/temporal"
)

// Search attributes. They are not encrypted, so they carry ids, states, codes
// and dates only, never a name or an amount.
var (
	AttrConnection       = temporal.NewSearchAttributeKeyKeyword("KvittConnection")
	AttrPaymentReference = temporal.NewSearchAttributeKeyKeyword("KvittPaymentReference")
	AttrState            = temporal.NewSearchAttributeKeyKeyword("KvittState")
	AttrHeldReason       = temporal.NewSearchAttributeKeyKeyword("KvittHeldReason")
	AttrCurrency         = temporal.NewSearchAttributeKeyKeyword("KvittCurrency")
	AttrPayoutDate       = temporal.NewSearchAttributeKeyTime("KvittPayoutDate")
)

// SearchAttributes returns what `starter setup` registers with the namespace.
func SearchAttributes() map[string]enumspb.IndexedValueType {
	return map[string]enumspb.IndexedValueType{
		AttrConnection.GetName():       AttrConnection.GetValueType(),
		AttrPaymentReference.GetName(): AttrPaymentReference.GetValueType(),
		AttrState.GetName():            AttrState.GetValueType(),
		AttrHeldReason.GetName():       AttrHeldReason.GetValueType(),
		AttrCurrency.GetName():         AttrCurrency.GetValueType(),
		AttrPayoutDate.GetName():       AttrPayoutDate.GetValueType(),
	}
}
