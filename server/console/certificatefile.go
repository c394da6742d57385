package console

import (
	"bytes"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"

	"github.com/mockduktor/mockduktor/server/kinds"
)

const (
	// maxCertificateFile is the product's limit of an uploaded file, in bytes.
	maxCertificateFile = 50 << 20
	// maxPassword bounds a key store's password, in bytes.
	maxPassword = 4 << 10
)

// certificateUpload is the form that uploadCertificates takes.
type certificateUpload struct {
	file     []byte
	password string
}

func uploadCertificates(c *call) error {
	// Before the body is read: nobody else shall make the server hold 50 MB.
	if err := c.manageCertificates(c.World.View()); err != nil {
		return err
	}
	// Room for the form around the file.
	c.Request().Body = http.MaxBytesReader(c.Response(), c.Request().Body, maxCertificateFile+int64(c.Settings.Limits.Body))
	upload, err := readUpload(c.Request())
	if err != nil {
		return err
	}
	list, err := certificatesIn(upload.file, upload.password)
	if errors.Is(err, errPassword) {
		return badField("jksPassword", err)
	}
	if err != nil {
		return badField("file", err)
	}
	return c.trust(list)
}

func readUpload(request *http.Request) (certificateUpload, error) {
	var upload certificateUpload
	form, err := request.MultipartReader()
	if err != nil {
		return upload, badForm("expected multipart/form-data with the field file")
	}
	found := false
	for {
		part, err := form.NextPart()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return upload, badPart(err)
		}
		switch part.FormName() {
		case "file":
			if upload.file, err = readPart(part, maxCertificateFile); err != nil {
				return upload, err
			}
			found = true
		case "jksPassword":
			password, err := readPart(part, maxPassword)
			if err != nil {
				return upload, err
			}
			upload.password = string(password)
		}
	}
	if !found {
		return upload, badForm("expected a file at 'file'")
	}
	return upload, nil
}

func readPart(part *multipart.Part, limit int64) ([]byte, error) {
	data, err := io.ReadAll(io.LimitReader(part, limit+1))
	if err != nil {
		return nil, badPart(err)
	}
	if int64(len(data)) > limit {
		return nil, badForm(fmt.Sprintf("expected at most %d bytes at '%s'", limit, part.FormName()))
	}
	return data, nil
}

func badPart(err error) error {
	var tooLarge *http.MaxBytesError
	if errors.As(err, &tooLarge) {
		return badForm(fmt.Sprintf("expected at most %d bytes at 'file'", maxCertificateFile))
	}
	return badForm("the form cannot be read: " + err.Error())
}

// badForm is a 400 also for what is too large: the operation lists no 413.
func badForm(reason string) error {
	return &kinds.Error{Code: kinds.Invalid, Field: "file", Message: "Invalid value for: body (" + reason + ")"}
}

// errPassword says that a key store needs a password, or another one.
var errPassword = errors.New("the password of the key store is missing or wrong")

// certificatesIn reads every certificate of a file, by its content: PEM, DER,
// JKS, or PKCS 12 as a trust store, which keytool has written by default since
// Java 9.
func certificatesIn(file []byte, password string) ([]*x509.Certificate, error) {
	switch {
	case bytes.Contains(file, []byte("-----BEGIN ")):
		return kinds.ParseCertificates(string(file))
	case isKeyStore(file):
		return keyStoreCertificates(file, password)
	case len(file) > 0 && file[0] == derSequence:
		list, err := x509.ParseCertificates(file)
		if err == nil {
			return list, nil
		}
		if isPKCS12(file) {
			return trustStoreCertificates(file, password)
		}
		return nil, fmt.Errorf("expected a certificate: %w", err)
	}
	return nil, errors.New("expected certificates in PEM, DER, JKS or a PKCS 12 trust store")
}
