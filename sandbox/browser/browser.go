// Package browser drives a real browser, headless Chromium, for the tests of the portal: it opens pages,
// fills in and sends forms as a person would, finding elements by their text, checks accessibility with
// axe-core, and takes pictures.
//
// It must never reach beyond this machine, and never leave a process behind.
package browser

import (
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/page"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

// Browser is one browser with one profile, empty at first.
type Browser struct {
	ctx  context.Context
	stop func()
	axe  string

	mu         sync.Mutex // the browser reports events while a test runs
	complaints []string
	visited    []string
}

// Complaints returns what the browser itself has complained of since the last call: policy, scripts.
func (b *Browser) Complaints() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	all := b.complaints
	b.complaints = nil
	return all
}

// Visited returns every requested address, in order.
func (b *Browser) Visited() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Clone(b.visited)
}

// patience is the time a page may take to show what a test waits for.
const patience = time.Minute

// Path returns the path of Chromium.
func Path() (string, error) {
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome"} {
		if path, err := exec.LookPath(name); err == nil {
			return path, nil
		}
	}
	return "", errors.New("find Chromium: there is none on PATH. `make browser` installs it")
}

// Start starts a browser with a language. axe is the file axe.min.js.
func Start(parent context.Context, language, axe string) (*Browser, error) {
	path, err := Path()
	if err != nil {
		return nil, err
	}
	script, err := os.ReadFile(axe)
	if err != nil {
		return nil, fmt.Errorf("read axe-core: %w. `make foreign` installs it", err)
	}
	profile, err := os.MkdirTemp("", "kvitt-browser-")
	if err != nil {
		return nil, fmt.Errorf("start Chromium: %w", err)
	}
	options := append(chromedp.DefaultExecAllocatorOptions[:],
		chromedp.ExecPath(path), chromedp.UserDataDir(profile), chromedp.NoSandbox, chromedp.DisableGPU,
		chromedp.Flag("disable-quic", true), chromedp.Flag("disable-component-update", true), chromedp.Flag("lang", language),
		chromedp.Flag("accept-lang", language), chromedp.WindowSize(1100, 900),
		// Names other than those of this machine are not resolved.
		chromedp.Flag("host-resolver-rules", "MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost"),
	)
	allocated, stopAllocator := chromedp.NewExecAllocator(parent, options...)
	ctx, stopTab := chromedp.NewContext(allocated)
	b := &Browser{ctx: ctx, axe: string(script), stop: func() {
		_ = chromedp.Cancel(ctx)
		stopTab()
		stopAllocator()
		gone(profile)
	}}
	chromedp.ListenTarget(ctx, b.hear)
	if err := chromedp.Run(ctx, network.Enable()); err != nil {
		b.stop()
		return nil, fmt.Errorf("start Chromium: %w", err)
	}
	return b, nil
}

// hear records the browser's events.
func (b *Browser) hear(event any) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch e := event.(type) {
	case *network.EventRequestWillBeSent:
		b.visited = append(b.visited, e.Request.URL)
	case *runtime.EventExceptionThrown:
		b.complaints = append(b.complaints, e.ExceptionDetails.Error())
	case *runtime.EventConsoleAPICalled:
		if e.Type == runtime.APITypeError {
			b.complaints = append(b.complaints, fmt.Sprint("console: ", string(e.Args[0].Value)))
		}
	}
}

// gone removes a folder into which an ending browser may still write.
func gone(folder string) {
	for range 50 {
		if os.RemoveAll(folder) == nil {
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
}

// Stop ends the browser.
func (b *Browser) Stop() { b.stop() }

func (b *Browser) run(actions ...chromedp.Action) error {
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	return chromedp.Run(ctx, actions...)
}

// Open opens a page and returns the status of the answer.
func (b *Browser) Open(url string) (status int64, err error) {
	ctx, cancel := context.WithTimeout(b.ctx, patience)
	defer cancel()
	answer, err := chromedp.RunResponse(ctx, chromedp.Navigate(url))
	if err != nil {
		return 0, fmt.Errorf("open %s: %w", url, err)
	}
	return answer.Status, nil
}

// find finds an element by the text that a person sees or hears on it.
const find = `(kind, words) => {
  const name = e => (e.getAttribute('aria-label') || e.innerText || e.value || '').replace(/\s+/g, ' ').trim();
  const among = all => all.find(e => name(e) === words) || all.find(e => name(e).startsWith(words));
  if (kind === 'press') return among([...document.querySelectorAll('button, a, summary')].filter(e => e.offsetParent !== null));
  const label = among([...document.querySelectorAll('label')]);
  if (!label) return undefined;
  return label.htmlFor ? document.getElementById(label.htmlFor) : label.querySelector('input, select');
}`

// Press presses a button or follows a link by its text, and waits until the next page is there.
func (b *Browser) Press(words string) error {
	var found bool
	press := fmt.Sprintf(`(() => { const e = (%s)('press', %s); if (!e) return false; window.__left = true; e.click(); return true; })()`, find, quoted(words))
	if err := b.run(chromedp.Evaluate(press, &found)); err != nil {
		return fmt.Errorf("press %q: %w", words, err)
	}
	if !found {
		return fmt.Errorf("press %q: there is no such button or link on the page:\n%s", words, b.Text())
	}
	return nil
}

// Go presses what leads to another page and waits for that page.
func (b *Browser) Go(words string) error {
	if err := b.Press(words); err != nil {
		return err
	}
	return b.Until("the next page", `!window.__left && document.readyState === 'complete'`)
}

// Until waits until an expression is true on the page.
func (b *Browser) Until(what, expression string) error {
	deadline := time.Now().Add(patience)
	for {
		var is bool
		err := b.run(chromedp.Evaluate("Boolean("+expression+")", &is))
		if err == nil && is {
			return nil
		}
		if time.Now().After(deadline) || b.ctx.Err() != nil {
			return errors.Join(fmt.Errorf("wait for %s: it did not come; the page at %s says:\n%s", what, b.Address(), b.Text()), err)
		}
		select {
		case <-b.ctx.Done():
		case <-time.After(40 * time.Millisecond):
		}
	}
}

// UntilText waits until the page contains a text.
func (b *Browser) UntilText(words string) error {
	return b.Until(fmt.Sprintf("the words %q", words), fmt.Sprintf(`document.body && document.body.innerText.replace(/\s+/g, ' ').includes(%s)`, quoted(words)))
}

// Fill writes into the field with a label, or chooses an option there.
func (b *Browser) Fill(label, value string) error {
	var outcome string
	fill := fmt.Sprintf(`(() => { const e = (%s)('field', %s); if (!e) return 'none';
  if (e.type === 'checkbox' || e.type === 'radio') { if (!e.checked) e.click(); return 'ok'; }
  e.focus(); e.value = %s; e.dispatchEvent(new Event('input', {bubbles: true})); e.dispatchEvent(new Event('change', {bubbles: true})); return e.value === %s ? 'ok' : 'refused'; })()`,
		find, quoted(label), quoted(value), quoted(value))
	if err := b.run(chromedp.Evaluate(fill, &outcome)); err != nil {
		return fmt.Errorf("fill %q: %w", label, err)
	}
	if outcome != "ok" {
		return fmt.Errorf("fill %q: the field is %s on the page:\n%s", label, outcome, b.Text())
	}
	return nil
}

// Tick ticks the check box or radio button with a label.
func (b *Browser) Tick(label string) error { return b.Fill(label, "") }

// Text returns the text of the page.
func (b *Browser) Text() string {
	var text string
	_ = b.run(chromedp.Evaluate(`document.body ? document.body.innerText : ''`, &text))
	return text
}

// HTML returns the page as the browser has it.
func (b *Browser) HTML() string {
	var text string
	_ = b.run(chromedp.Evaluate(`document.documentElement.outerHTML`, &text))
	return text
}

// Address returns the browser's current address.
func (b *Browser) Address() string {
	var at string
	_ = b.run(chromedp.Location(&at))
	return at
}

// Value evaluates an expression on the page.
func (b *Browser) Value(expression string, into any) error {
	return b.run(chromedp.Evaluate(expression, into))
}

// Await evaluates a promise on the page and waits for its result.
func (b *Browser) Await(expression string, into any) error {
	return b.run(chromedp.Evaluate(expression, into, func(p *runtime.EvaluateParams) *runtime.EvaluateParams { return p.WithAwaitPromise(true) }))
}

// Key presses a key, as "Tab" or "Enter".
func (b *Browser) Key(key string) error { return b.run(chromedp.KeyEvent(key)) }

// Dark makes the browser prefer dark pages, or light ones.
func (b *Browser) Dark(on bool) error {
	scheme := "light"
	if on {
		scheme = "dark"
	}
	return b.run(emulation.SetEmulatedMedia().WithFeatures([]*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}}))
}

// Phone makes the browser as wide as a phone, or a desktop again.
func (b *Browser) Phone(on bool) error {
	if on {
		return b.run(chromedp.EmulateViewport(390, 844, chromedp.EmulateScale(2), chromedp.EmulateMobile))
	}
	return b.run(chromedp.EmulateViewport(1100, 900))
}

// Wide sets the width of the browser in pixels.
func (b *Browser) Wide(pixels int64) error {
	return b.run(chromedp.EmulateViewport(pixels, 900))
}

// ClearCookies deletes all cookies, as when a session has ended.
func (b *Browser) ClearCookies() error {
	return b.run(chromedp.ActionFunc(func(ctx context.Context) error { return network.ClearBrowserCookies().Do(ctx) }))
}

// Picture takes a picture of the whole page.
func (b *Browser) Picture(path string) error {
	var picture []byte
	if err := b.run(chromedp.FullScreenshot(&picture, 100)); err != nil {
		return fmt.Errorf("take a picture: %w", err)
	}
	return os.WriteFile(path, picture, 0o600)
}

// Cookies returns the cookies that the browser would send to an address.
func (b *Browser) Cookies(url string) (all []*network.Cookie, err error) {
	err = b.run(chromedp.ActionFunc(func(ctx context.Context) error {
		all, err = network.GetCookies().WithURLs([]string{url}).Do(ctx)
		return err
	}))
	return all, err
}

// SetCookie plants a cookie, as an attacker would.
func (b *Browser) SetCookie(url, name, value string) error {
	return b.run(network.SetCookie(name, value).WithURL(url).WithSecure(true).WithPath("/"))
}

// Faults returns the accessibility violations that axe-core finds on the page.
func (b *Browser) Faults() ([]string, error) {
	var found string
	// Not run as a script of the page, which its policy refuses.
	err := b.run(
		chromedp.Evaluate(b.axe+";0", nil),
		chromedp.Evaluate(`axe.run(document, {runOnly: {type: 'tag', values: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice']}}).then(r => JSON.stringify(r.violations.map(v => v.id + ': ' + v.help + ' — ' + v.nodes.map(n => n.target.join(' ') + ' ' + (n.any.concat(n.all, n.none)[0] || {message: ''}).message).join('; '))))`,
			&found, func(p *runtime.EvaluateParams) *runtime.EvaluateParams { return p.WithAwaitPromise(true) }),
	)
	if err != nil {
		return nil, fmt.Errorf("look for faults with axe-core: %w", err)
	}
	var all []string
	return all, json.Unmarshal([]byte(found), &all)
}

// Reload loads the page again.
func (b *Browser) Reload() error {
	return b.run(chromedp.ActionFunc(func(ctx context.Context) error { return page.Reload().Do(ctx) }))
}

// Back goes back, as the browser's button does.
func (b *Browser) Back() error { return b.run(chromedp.NavigateBack()) }

func quoted(words string) string {
	text, _ := json.Marshal(words) // a string always marshals
	return strings.ReplaceAll(string(text), "</", "<\\/")
}
