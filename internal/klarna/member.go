package klarna

// Raw is a JSON value as it stood in the answer, "" when it was null or absent.
type Raw string

// UnmarshalJSON keeps the value as it is.
func (r *Raw) UnmarshalJSON(value []byte) error {
	if string(value) != "null" {
		*r = Raw(value)
	}
	return nil
}

// MarshalJSON gives the value back as it was, null for "".
func (r Raw) MarshalJSON() ([]byte, error) {
	if r == "" {
		return []byte("null"), nil
	}
	return []byte(r), nil
}

// Member is a member that this version has no name for.
type Member struct {
	Name  string
	Value Raw // "null" is kept as it came
}

// Members are the members that this version has no name for, in the order in
// which they came.
type Members []Member

// Get returns the value of a member.
func (m Members) Get(name string) (Raw, bool) {
	for _, member := range m {
		if member.Name == name {
			return member.Value, true
		}
	}
	return "", false
}
