package console

import (
	"cmp"
	"crypto/x509"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/mockduktor/mockduktor/rbac"
	"github.com/mockduktor/mockduktor/server/kinds"
	"github.com/mockduktor/mockduktor/server/store"
)

const certificatesPath = "/public/v1/certificates"

func (r *router) certificates() {
	r.secured(http.MethodGet, certificatesPath, listCertificates)
	r.secured(http.MethodPost, certificatesPath, addCertificates)
	r.secured(http.MethodDelete, certificatesPath, deleteCertificates)
	r.secured(http.MethodPost, certificatesPath+"/file", uploadCertificates)
	r.secured(http.MethodPost, certificatesPath+"/tls-test", testTLS)
	r.secured(http.MethodDelete, certificatesPath+"/{certificateId}", deleteCertificate)
}

// certificateShown is a trusted certificate as the API shows it. Names are
// written as RFC 2253 says.
type certificateShown struct {
	ID           string      `json:"id"` // fingerprint
	Version      int         `json:"version"`
	SerialNumber json.Number `json:"serialNumber"` // up to 20 bytes long (RFC 5280, section 4.1.2.2)
	IssuerDN     string      `json:"issuerDN"`
	SubjectDN    string      `json:"subjectDN"`
	NotBefore    time.Time   `json:"notBefore"`
	NotAfter     time.Time   `json:"notAfter"`
}

func shownCertificate(certificate *x509.Certificate) certificateShown {
	return certificateShown{ID: kinds.Fingerprint(certificate), Version: certificate.Version,
		SerialNumber: json.Number(certificate.SerialNumber.String()),
		IssuerDN:     certificate.Issuer.String(), SubjectDN: certificate.Subject.String(),
		NotBefore: certificate.NotBefore.UTC(), NotAfter: certificate.NotAfter.UTC()}
}

// manageCertificates refuses callers who may not manage certificates.
func (c *call) manageCertificates(tx *store.Tx) error {
	return c.permit(tx, kinds.Need{Grant: rbac.Need{Resource: rbac.ResourcePlatform, AnyOf: []rbac.Permission{rbac.CertificateManage}}})
}

func listCertificates(c *call) error {
	tx := c.World.View()
	if err := c.manageCertificates(tx); err != nil {
		return err
	}
	list := []certificateShown{}
	for resource := range tx.Resources(kinds.CertificateKind, "v1", nil, "") {
		list = append(list, shownCertificate(resource.Value.(*kinds.Certificate).Certificate))
	}
	// Certificates of a seed have names of their own; the API shows ids only.
	slices.SortFunc(list, func(a, b certificateShown) int { return cmp.Compare(a.ID, b.ID) })
	return c.JSON(http.StatusOK, list)
}

func addCertificates(c *call) error {
	if err := c.manageCertificates(c.World.View()); err != nil {
		return err
	}
	sent, err := c.input()
	if err != nil {
		return err
	}
	list, err := kinds.ParseCertificates(text(sent["input"]))
	if err != nil {
		return badField("input", err)
	}
	return c.trust(list)
}

// trust keeps certificates, each once, and answers with what they are.
func (c *call) trust(list []*x509.Certificate) error {
	kind, err := c.Engine.Kind("mockduktor/v1", kinds.CertificateKind)
	if err != nil {
		return err
	}
	shown := []certificateShown{}
	err = c.World.Update(func(tx *store.Tx) error {
		if err := c.manageCertificates(tx); err != nil {
			return err
		}
		seen := map[string]bool{}
		for _, certificate := range list {
			one := shownCertificate(certificate)
			if seen[one.ID] {
				continue
			}
			seen[one.ID] = true
			shown = append(shown, one)
			if _, known := kinds.CertificateByID(tx, one.ID); known {
				continue
			}
			if _, _, err := c.Engine.Apply(tx, kinds.Request{Kind: kind, By: c.by(), Object: map[string]any{
				"apiVersion": "mockduktor/v1", "kind": kind.Name, "metadata": map[string]any{"name": one.ID},
				"spec": map[string]any{"certificate": kinds.EncodeCertificate(certificate)}}}); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	return c.JSON(http.StatusCreated, shown)
}

// distrust deletes certificates by their ids and returns those that were there.
func (c *call) distrust(fingerprints []string) ([]string, error) {
	gone := []string{}
	err := c.World.Update(func(tx *store.Tx) error {
		if err := c.manageCertificates(tx); err != nil {
			return err
		}
		for _, id := range fingerprints {
			resource, known := kinds.CertificateByID(tx, strings.ToLower(id))
			if !known {
				continue
			}
			if err := tx.Delete(resource); err != nil {
				return err
			}
			gone = append(gone, resource.Value.(*kinds.Certificate).Fingerprint)
		}
		return nil
	})
	return gone, err
}

func deleteCertificates(c *call) error {
	if err := c.manageCertificates(c.World.View()); err != nil {
		return err
	}
	query := c.QueryParams()
	if refused := kinds.FromProblems(c.Document.ValidateQuery(c.method, c.path, query)); refused != nil {
		refused.Message = strings.ReplaceAll(refused.Message, "Invalid value for: body", "Invalid value for: query parameter")
		return refused
	}
	gone, err := c.distrust(query["ids"])
	if err != nil {
		return err
	}
	return c.JSON(http.StatusOK, gone)
}

// deleteCertificate lists no 404: what is not trusted any more is gone.
func deleteCertificate(c *call) error {
	id, err := c.param("certificateId")
	if err != nil {
		return err
	}
	if _, err := c.distrust([]string{id}); err != nil {
		return err
	}
	return c.NoContent(http.StatusNoContent)
}
