package idp

// Rotated makes new keys for every algorithm there is. With keepOld the old ones
// stay published after the new, as a rotation in production leaves them; without,
// their tokens are no longer accepted.
func (k *Keys) Rotated(keepOld bool) (*Keys, error) {
	var fresh, old []SigningKey
	algs := map[string]bool{}
	for _, key := range k.list {
		// One RSA key may be there for RS256 and PS256 (see NewKeys).
		if key.suffix != "" {
			continue
		}
		old = append(old, SigningKey{KeyID: key.kid, Alg: key.alg, Private: key.private})
		if algs[key.alg] {
			continue
		}
		algs[key.alg] = true
		made, err := GenerateSigningKey(key.alg)
		if err != nil {
			return nil, err
		}
		fresh = append(fresh, made)
	}
	if keepOld {
		fresh = append(fresh, old...)
	}
	return NewKeys(fresh)
}
