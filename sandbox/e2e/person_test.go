package e2e_test

import (
	"context"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"kvitt/sandbox/browser"
	"kvitt/sandbox/stack"
	"kvitt/sandbox/vismasim"
)

var pictures = flag.String("pictures", os.Getenv("KVITT_TEST_PICTURES"), "write pictures of the portal's pages into this `folder`, also KVITT_TEST_PICTURES")

// widths are those of a phone, a laptop and a large screen, in pixels.
var widths = []int64{390, 1366, 1920}

// person is somebody with a browser in front of the portal.
type person struct {
	*browser.Browser
	t     *testing.T
	world *world
	pages *strings.Builder // every page that was seen
	shown int
	name  string // for pictures
}

// sits puts somebody with a browser of their own in front of a world's portal.
func (w *world) sits(t *testing.T, language string) *person {
	t.Helper()
	b, err := browser.Start(t.Context(), language, filepath.Join(module, "sandbox", "foreign", "node_modules", "axe-core", "axe.min.js"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.Stop)
	return &person{Browser: b, t: t, world: w, pages: &strings.Builder{}}
}

func (p *person) must(err error) {
	p.t.Helper()
	if err != nil {
		p.t.Fatal(err)
	}
}

// open opens a page of the portal.
func (p *person) open(path string, status int64) {
	p.t.Helper()
	got, err := p.Open("http://" + p.world.Portal + path)
	p.must(err)
	if got != status {
		p.t.Fatalf("%s answered %d, want %d:\n%s", path, got, status, p.Text())
	}
}

// sees makes sure that the page says these things, that axe-core finds nothing
// wrong with it and the browser itself nothing to complain of, and takes a
// picture where pictures are wanted.
func (p *person) sees(page string, words ...string) {
	p.t.Helper()
	for _, w := range words {
		p.must(p.UntilText(w))
	}
	faults, err := p.Faults()
	p.must(err)
	for _, f := range faults {
		p.t.Errorf("%s (%s): axe-core: %s", page, p.Address(), f)
	}
	for _, c := range p.Complaints() {
		p.t.Errorf("%s: the browser complains: %s", page, c)
	}
	p.pages.WriteString(p.HTML())
	if p.name != "" && !strings.Contains(page, "phone") {
		p.fits(page)
	}
	if *pictures == "" || p.name == "" {
		return
	}
	p.shown++
	for _, w := range widths {
		p.must(p.Wide(w))
		p.must(p.Picture(filepath.Join(*pictures, fmt.Sprintf("%s-%02d-%s-%d.png", p.name, p.shown, page, w))))
	}
	p.must(p.Phone(false))
}

// fits makes sure that nothing of the page is cut off on a phone.
func (p *person) fits(page string) {
	p.t.Helper()
	p.must(p.Wide(widths[0]))
	var width []int
	p.must(p.Value(`[document.documentElement.scrollWidth, window.innerWidth]`, &width))
	if width[0] > width[1] {
		p.t.Errorf("%s: on a phone the page is %d wide and the screen %d", page, width[0], width[1])
	}
	p.must(p.Phone(false))
}

func (p *person) fill(label, value string) { p.t.Helper(); p.must(p.Fill(label, value)) }
func (p *person) tick(label string)        { p.t.Helper(); p.must(p.Tick(label)) }
func (p *person) goes(words string)        { p.t.Helper(); p.must(p.Go(words)) }

// shows opens a page again and again until it says something.
func (p *person) shows(path, words string) {
	p.t.Helper()
	until(p.t, waitFor, words+" at "+path, func() string {
		p.open(path, 200)
		if text := p.Text(); !strings.Contains(text, words) {
			return text
		}
		return ""
	})
}

// consents signs in at Visma Connect and decides about the consent.
func (p *person) consents(company vismasim.Company, decision string) {
	p.t.Helper()
	if err := p.Until("the page to sign in on", `document.querySelector('#password, input[name=tenant]')`); err != nil {
		p.t.Fatal(err)
	}
	if !strings.Contains(p.Text(), "For which company?") {
		p.fill("Email", "anna@example.com")
		p.fill("Password", "anna")
		p.goes("Sign in")
	}
	if decision == "Approve" {
		p.tick(company.Name)
	}
	p.goes(decision)
}

// village is one world whose portal several tests share, with people who sign in
// at the simulated Visma Connect too.
var village struct {
	sync.Once
	world *world
	err   error
}

var firstLink = regexp.MustCompile(`http://\S+/signin/link#\S+`)

func theVillage(t *testing.T) *world {
	t.Helper()
	village.Do(func() {
		all := companies(30)
		var w *world
		if w, village.err = begin(context.Background(), stack.Options{Companies: all, Shop: stack.Shop{Made: merchant(nil)}}); village.err != nil {
			return
		}
		village.world = w
		w.Env = append(w.Env, "KVITT_OIDC_ISSUER="+w.ConnectURL, "KVITT_OIDC_CLIENT_ID="+stack.PortalClientID,
			"KVITT_OIDC_CLIENT_SECRET="+w.ClientSecret, "KVITT_OIDC_NAME=Visma Connect", "KVITT_OIDC_TRUST_EMAIL=true")
		_, village.err = w.StartWorker(context.Background())
	})
	if village.err != nil {
		t.Fatal(village.err)
	}
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("the worker's last words:\n%s", village.world.log.tail())
		}
	})
	return village.world
}

// administrator signs somebody in to the village who may do everything.
func administrator(t *testing.T, language string) *person {
	t.Helper()
	w := theVillage(t)
	p := w.sits(t, language)
	p.signsInWith(w.invite(t, fmt.Sprintf("admin%d@example.com", serial.Add(1)), "administrator"), "", "")
	return p
}

// known signs somebody in whom the provider vouches for.
func (w *world) known(t *testing.T, email, role string) *person {
	t.Helper()
	w.invite(t, email, role)
	p := w.sits(t, "en")
	p.open("/connections", 200)
	p.goes("Sign in with Visma Connect")
	p.signsInAtTheProvider(email)
	return p
}

func (p *person) signsInAtTheProvider(email string) {
	p.t.Helper()
	if err := p.Until("the provider", `document.querySelector('#password')`); err != nil {
		p.t.Fatal(err)
	}
	p.fill("Email", email)
	p.fill("Password", "anna")
	p.goes("Sign in")
	if strings.Contains(p.Text(), "For which company?") {
		p.must(p.Value(`document.querySelector('input[name=tenant]').click()`, nil))
		p.goes("Approve")
	}
}

// settles starts a world of its own whose first administrator is signed in.
func settles(t *testing.T, o stack.Options) *person {
	t.Helper()
	w := start(t, o)
	p := w.sits(t, "en")
	p.signsInWith(firstLink.FindString(w.log.String()), "anna@example.com", "Anna Ek")
	return p
}

// last is the last address asked for that has something in it.
func (p *person) last(part string) string {
	p.t.Helper()
	visited := p.Visited()
	for _, address := range slices.Backward(visited) {
		if strings.Contains(address, part) {
			return address
		}
	}
	p.t.Fatalf("nothing with %s was asked for: %v", part, visited)
	return ""
}

// invite makes a one-time link for somebody.
func (w *world) invite(t *testing.T, email, role string) string {
	t.Helper()
	return facts[struct {
		Link string `json:"link"`
	}](t, w.done(t, "portal", "invite", email, "--role", role, "--output", "json")).Link
}

func (p *person) signsInWith(link, email, name string) {
	p.t.Helper()
	_, err := p.Open(link)
	p.must(err)
	p.must(p.Until("the code in its field", `document.querySelector('input[name=token]').value`))
	if strings.Contains(p.HTML(), `name="email"`) {
		var field bool
		p.must(p.Value(`(document.querySelector('input[name=email]').value = `+fmt.Sprintf("%q", email)+`, document.querySelector('input[name=name]').value = `+fmt.Sprintf("%q", name)+`, true)`, &field))
	}
	p.must(p.Value(`(window.__left = true, document.querySelector('form[action="/signin/link"] button').click(), true)`, new(bool)))
	p.must(p.Until("the next page", `!window.__left && document.readyState === 'complete'`))
	if !strings.HasSuffix(p.Address(), "/connections") {
		p.t.Fatalf("after signing in the browser is at %s:\n%s", p.Address(), p.Text())
	}
}

// waitFor limits how long what takes a while may take on a machine with much to do.
const waitFor = 2 * time.Minute
