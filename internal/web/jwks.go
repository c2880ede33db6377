package web

// jwks is the key set. RFC 7517 §5. The engine gives the same bytes until its
// keys change, so the document around them is made once per change.
func (s *site) jwks(v *visit) {
	body := s.engine.JWKS()
	keys := s.keys.Load()
	if keys == nil || !sameBytes(keys.body, body) {
		keys = newDocument(body, keysCacheControl)
		s.keys.Store(keys)
	}
	s.serveDocument(v, keys)
}

// sameBytes reports whether both are the very same memory.
func sameBytes(a, b []byte) bool {
	return len(a) == len(b) && (len(a) == 0 || &a[0] == &b[0])
}
