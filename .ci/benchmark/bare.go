package main

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"errors"
	"fmt"
	"net/http"
	"strconv"

	"github.com/hashicorp/go-memdb"
	"github.com/labstack/echo/v4"
)

// The limits: what nothing that does the same work can be better than. They are
// served by a process of their own, so that they are measured as ours are.

// hello is what the bare handler answers.
const hello = `{"hello":"world"}` + "\n"

// bareRows is how many rows the bare table has.
const bareRows = 10_000

// serveBare serves hello, signatures and reads until it is killed.
func serveBare(port string) error {
	signers, err := signers()
	if err != nil {
		return err
	}
	table, err := bareTable()
	if err != nil {
		return err
	}
	e := echo.New()
	e.HideBanner, e.HidePort = true, true
	e.GET("/hello", func(c echo.Context) error {
		return c.JSON(http.StatusOK, map[string]string{"hello": "world"})
	})
	// Each does its work as often as asked for, so that HTTP has no share in it.
	e.GET("/sign/:alg/:times", repeated(func(c echo.Context) error { return signers[c.Param("alg")]() }))
	e.GET("/read/:rows/:times", repeated(func(c echo.Context) error {
		rows, err := strconv.Atoi(c.Param("rows"))
		if err != nil {
			return err
		}
		body, err := joined(table, rows)
		if err == nil && len(body) < rows {
			err = errors.New("the rows are empty")
		}
		return err
	}))
	return e.Start("127.0.0.1:" + port)
}

func repeated(work func(c echo.Context) error) echo.HandlerFunc {
	return func(c echo.Context) error {
		times, err := strconv.Atoi(c.Param("times"))
		if err != nil {
			return err
		}
		for range times {
			if err := work(c); err != nil {
				return err
			}
		}
		return c.String(http.StatusOK, "done")
	}
}

// signedBytes is the length of header and claims of an access token here.
const signedBytes = 600

// signers make the signatures of a token, and nothing else of it.
func signers() (map[string]func() error, error) {
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return nil, err
	}
	ecKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	_, edKey, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return nil, err
	}
	message := make([]byte, signedBytes)
	by := func(key crypto.Signer, options crypto.SignerOpts) func() error {
		return func() error {
			signed := message
			if options.HashFunc() == crypto.SHA256 {
				digest := sha256.Sum256(message)
				signed = digest[:]
			}
			_, err := key.Sign(rand.Reader, signed, options)
			return err
		}
	}
	return map[string]func() error{
		"RS256": by(rsaKey, crypto.SHA256),
		"PS256": by(rsaKey, &rsa.PSSOptions{SaltLength: rsa.PSSSaltLengthEqualsHash, Hash: crypto.SHA256}),
		"ES256": by(ecKey, crypto.SHA256),
		"EdDSA": by(edKey, crypto.Hash(0)),
	}, nil
}

// bareRow is a topic that has nothing but a key and its bytes.
type bareRow struct {
	Name string
	JSON []byte
}

func bareTable() (*memdb.MemDB, error) {
	db, err := memdb.NewMemDB(&memdb.DBSchema{Tables: map[string]*memdb.TableSchema{"row": {Name: "row",
		Indexes: map[string]*memdb.IndexSchema{"id": {Name: "id", Unique: true, Indexer: &memdb.StringFieldIndex{Field: "Name"}}}}}})
	if err != nil {
		return nil, err
	}
	tx := db.Txn(true)
	defer tx.Abort()
	for i := range bareRows {
		row := &bareRow{fmt.Sprintf("team-1.orders.created.%d", i), make([]byte, 300)}
		if err := tx.Insert("row", row); err != nil {
			return nil, err
		}
	}
	tx.Commit()
	return db, nil
}

// joined reads rows in order and joins their bytes.
func joined(db *memdb.MemDB, rows int) ([]byte, error) {
	found, err := db.Txn(false).Get("row", "id_prefix", "team-1.")
	if err != nil {
		return nil, err
	}
	body := make([]byte, 0, rows*301)
	for range rows {
		row, ok := found.Next().(*bareRow)
		if !ok {
			return nil, errors.New("the rows are not there")
		}
		body = append(append(body, row.JSON...), ',')
	}
	return body, nil
}
