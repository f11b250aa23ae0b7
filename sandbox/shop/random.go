package shop

// random is splitmix64: small, good enough for a shop, and written out here so that a seed gives the same
// shop under every Go release.
type random struct{ state uint64 }

// newRandom starts a separate stream for each seed and path, so that one part of the shop can change
// without changing all others.
func newRandom(seed uint64, path ...uint64) *random {
	for _, step := range path {
		seed = scramble(seed + 0x9e3779b97f4a7c15*(step+1))
	}
	return &random{state: seed}
}

func scramble(z uint64) uint64 {
	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9
	z = (z ^ (z >> 27)) * 0x94d049bb133111eb
	return z ^ (z >> 31)
}

func (r *random) next() uint64 {
	r.state += 0x9e3779b97f4a7c15
	return scramble(r.state)
}

// below returns a number from 0 to n-1; n must be positive.
func (r *random) below(n int64) int64 {
	return int64(r.next() % uint64(n))
}

// between returns a number from low to high, inclusive.
func (r *random) between(low, high int64) int64 { return low + r.below(high-low+1) }

// chance is true n times in a thousand.
func (r *random) chance(n int64) bool { return r.below(1000) < n }

// uuid returns a UUID of version 4.
func (r *random) uuid() string {
	var text [36]byte
	writeUUID(text[:], r.next(), r.next())
	return string(text[:])
}

const hexDigits = "0123456789abcdef"

// writeUUID writes the 36 characters of a version 4 UUID into text.
func writeUUID(text []byte, high, low uint64) {
	high = high&^0xf000 | 0x4000
	low = low&^(0xc000<<48) | 0x8000<<48
	at := 0
	for i := range 32 {
		if i == 8 || i == 12 || i == 16 || i == 20 {
			text[at] = '-'
			at++
		}
		word, shift := high, 60-4*i
		if i >= 16 {
			word, shift = low, 124-4*i
		}
		text[at] = hexDigits[word>>shift&0xf]
		at++
	}
}

const referenceAlphabet = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"

// shortID returns n characters that a consumer could read out on the telephone.
func (r *random) shortID(n int) string {
	text := make([]byte, n)
	for i := range text {
		text[i] = referenceAlphabet[r.below(int64(len(referenceAlphabet)))]
	}
	return string(text)
}
