package main

import (
	"context"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/mockduktor/mockduktor/idp"
	"github.com/mockduktor/mockduktor/server"
	"github.com/mockduktor/mockduktor/server/store"
)

// shownPeople bounds the table at the start; a seed may hold thousands.
const shownPeople = 20

// greet prints what a newcomer needs: where things are, who can sign in, what
// to try.
func greet(out io.Writer, running *server.Server) error {
	people, err := store.Directory{World: running.Pair().World}.People(context.Background())
	if err != nil {
		return err
	}
	settings := running.Pair().Console.Settings
	var b strings.Builder
	fmt.Fprintf(&b, "mockduktor %s, an independent emulator, not a product of Conduktor\n\n", versionText())
	fmt.Fprintf(&b, "  Console     %s/api    (API reference: %s/docs)\n", running.URL(), running.URL())
	fmt.Fprintf(&b, "  Issuer      %s\n", running.Issuer())
	issuers := running.Pair().Issuers()
	for _, name := range slices.Sorted(maps.Keys(issuers)) {
		fmt.Fprintf(&b, "              %s    (Provider %s)\n", issuers[name], name)
	}
	if trusted := settings.JWT.Issuer; trusted != running.Issuer() {
		fmt.Fprintf(&b, "  Trusts      %s\n", trusted)
	}
	fmt.Fprintf(&b, "  Root admin  %s / %s\n", settings.AdminEmail, shownPassword(settings.AdminPassword))
	writePeople(&b, people)
	fmt.Fprintf(&b, "\nTry:\n\n")
	for _, line := range tries(running, people) {
		fmt.Fprintf(&b, "  %s\n", line)
	}
	fmt.Fprintf(&b, "\n")
	_, err = io.WriteString(out, b.String())
	return err
}

// shownPassword: the default one is no secret, another may be.
func shownPassword(password string) string {
	if password == server.DefaultAdminPassword {
		return password
	}
	return "(the password you set)"
}

func writePeople(b *strings.Builder, people []*idp.Person) {
	if len(people) == 0 {
		return
	}
	b.WriteString("\n")
	table := tabwriter.NewWriter(b, 0, 4, 2, ' ', 0)
	fmt.Fprintln(table, "  LOGIN\tPASSWORD\tE-MAIL\tGROUPS AT THE IDENTITY PROVIDER")
	for i, person := range people {
		if i == shownPeople {
			break
		}
		groups := strings.Join(person.Groups, ", ")
		if groups == "" {
			groups = "-"
		}
		if person.Disabled {
			groups += " (disabled)"
		}
		fmt.Fprintf(table, "  %s\t%s\t%s\t%s\n", person.Login, person.Password, person.Email, groups)
	}
	table.Flush()
	if more := len(people) - shownPeople; more > 0 {
		fmt.Fprintf(b, "  … and %d more\n", more)
	}
}

// tries are three commands that work as they stand.
func tries(running *server.Server, people []*idp.Person) []string {
	tx := running.Pair().World.View()
	cluster := "my-cluster"
	for resource := range tx.Resources("KafkaCluster", "v2", nil, "") {
		cluster = resource.Name
		break
	}
	if len(people) == 0 {
		return []string{
			fmt.Sprintf("curl %s/api/versions", running.URL()),
			fmt.Sprintf(`curl -H 'Content-Type: application/json' -d '{"username":"%s","password":"%s"}' %s/api/login`,
				running.Pair().Console.Settings.AdminEmail, shownPassword(running.Pair().Console.Settings.AdminPassword), running.URL()),
			fmt.Sprintf("curl %s/.well-known/openid-configuration", running.Issuer()),
		}
	}
	mint := fmt.Sprintf("%s token --as %s --url %s", invocation(), people[0].Login, running.URL())
	if trusted := running.Pair().Trusted(); trusted != "" {
		mint += " --provider " + trusted
	}
	return []string{
		mint,
		fmt.Sprintf(`curl -H "Authorization: Bearer $(%s)" %s/api/public/kafka/v2/cluster/%s/topic`, mint, running.URL(), cluster),
		fmt.Sprintf("curl -i %s/api/token/v1/whoami    # refused, and says why", running.URL()),
	}
}

// invocation is how this program can be run again from the same shell.
func invocation() string {
	program, err := os.Executable()
	if err != nil || strings.Contains(program, "go-build") {
		return "go run ./cmd/mockduktor"
	}
	return os.Args[0]
}
