package visma

// Value is how Visma.net wants a scalar that is written: {"value": x}. A
// member that is absent is left alone, so members of update types are
// pointers: nil is absent.
type Value[T any] struct {
	Value T `json:"value"`
}

// V wraps a scalar for an update type.
func V[T any](v T) *Value[T] { return &Value[T]{Value: v} }

// Metadata stands in each item of a list and tells how long the list is. For
// journal transactions it counts lines, not batches.
type Metadata struct {
	TotalCount  *int64 `json:"totalCount,omitempty"`
	MaxPageSize *int64 `json:"maxPageSize,omitempty"`
}

// Listed is what items of a list carry beside their own members.
type Listed struct {
	ErrorInfo string   `json:"errorInfo,omitempty"` // set when Visma.net could not read the item whole
	Metadata  Metadata `json:"metadata,omitzero"`
}

func (l Listed) listMetadata() Metadata { return l.Metadata }

// NumberName names a thing by its number.
type NumberName struct {
	Number string `json:"number"`
	Name   string `json:"name"`
}

// NumberDescription names a thing by its number.
type NumberDescription struct {
	Number      string `json:"number"`
	Description string `json:"description"`
}

// IDDescription names a thing by its id.
type IDDescription struct {
	ID          string `json:"id"`
	Description string `json:"description"`
}
