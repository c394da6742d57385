package idp

import (
	"crypto/sha1"
	"net/url"
)

// subject is the sub by which a client knows a person (OpenID Connect Core 1.0,
// section 8). A pairwise one is the UUIDv5 of sector and public subject: the
// same on every machine and after every restart, as all of a mock's subjects
// are. No secret goes into it, so it keeps two clients from comparing notes,
// not someone who has read this.
func (c *Client) subject(p *Person) string {
	if c.SubjectType != SubjectPairwise {
		return p.Sub
	}
	h := sha1.New()
	h.Write(subjectNamespace[:])
	h.Write([]byte(c.sector() + "\x00" + p.Sub))
	return uuid5(h.Sum(nil))
}

// sector is what clients have to share to see the same pairwise subjects
// (section 8.1).
func (c *Client) sector() string {
	if c.SectorIdentifierURI != "" {
		return hostOf(c.SectorIdentifierURI)
	}
	if len(c.RedirectURIs) > 0 {
		return hostOf(c.RedirectURIs[0])
	}
	return c.ID
}

func hostOf(uri string) string {
	u, err := url.Parse(uri)
	if err != nil {
		return ""
	}
	return u.Hostname()
}

func (c *Client) checkSubject(spec *fields) {
	switch c.SubjectType {
	case "", SubjectPublic, SubjectPairwise:
	default:
		spec.report("subject_type", "is %q; there are %s and %s", c.SubjectType, SubjectPublic, SubjectPairwise)
	}
	if c.SectorIdentifierURI != "" {
		u, err := url.Parse(c.SectorIdentifierURI)
		if err != nil || !isWeb(u) || u.Host == "" {
			spec.report("sector_identifier_uri", "must begin with https:// or http:// and name a host; it is not fetched")
		}
	} else if c.SubjectType == SubjectPairwise {
		for _, uri := range c.RedirectURIs[min(1, len(c.RedirectURIs)):] {
			if hostOf(uri) != hostOf(c.RedirectURIs[0]) {
				spec.report("sector_identifier_uri", "is missing: subject_type is pairwise and the redirect_uris have several hosts (OpenID Connect Core 1.0, section 8.1)")
				break
			}
		}
	}
}
