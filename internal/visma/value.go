package visma

// Value is Visma.net's form of a scalar in a write: {"value": x}. Visma.net leaves an absent member
// unchanged, so members of update types are pointers: nil is absent.
type Value[T any] struct {
	Value T `json:"value"`
}

// V wraps a scalar for an update type.
func V[T any](v T) *Value[T] { return &Value[T]{Value: v} }

// Metadata is part of each item of a list and gives the length of the list. For journal transactions it
// counts lines, not batches.
type Metadata struct {
	TotalCount  *int64 `json:"totalCount,omitempty"`
	MaxPageSize *int64 `json:"maxPageSize,omitempty"`
}

// Listed holds the members that items of a list have besides their own.
type Listed struct {
	ErrorInfo string   `json:"errorInfo,omitempty"` // set when Visma.net could not read the whole item
	Metadata  Metadata `json:"metadata,omitzero"`
}

func (l Listed) listMetadata() Metadata { return l.Metadata }

// NumberName identifies an object by its number.
type NumberName struct {
	Number string `json:"number"`
	Name   string `json:"name"`
}

// NumberDescription identifies an object by its number.
type NumberDescription struct {
	Number      string `json:"number"`
	Description string `json:"description"`
}

// IDDescription identifies an object by its id.
type IDDescription struct {
	ID          string `json:"id"`
	Description string `json:"description"`
}
