// Command mockoidc serves the library of that name, which has no command of its
// own, for .ci/bench --rivals.
package main

import (
	"log"
	"net"
	"os"

	"github.com/oauth2-proxy/mockoidc"
)

func main() {
	m, err := mockoidc.NewServer(nil)
	if err != nil {
		log.Fatal(err)
	}
	m.ClientID, m.ClientSecret = "bench", "bench-secret"
	listener, err := net.Listen("tcp", "127.0.0.1:"+os.Getenv("PORT"))
	if err != nil {
		log.Fatal(err)
	}
	if err := m.Start(listener, nil); err != nil {
		log.Fatal(err)
	}
	select {}
}
