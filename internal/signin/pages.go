package signin

import "net/http"

// Pages renders what Gate decides. Each method writes the whole answer; headers
// that matter for safety are set already.
type Pages interface {
	// SignIn is the page to sign in on, with status.
	SignIn(w http.ResponseWriter, r *http.Request, status int, v SignInView)
	// Link is the page that a one-time link leads to: a form that POSTs to
	// v.Action.
	Link(w http.ResponseWriter, r *http.Request, status int, v LinkView)
	// Forbidden says, with status 403, that the person (PersonOf) may not do
	// this, and which role may.
	Forbidden(w http.ResponseWriter, r *http.Request, need Role)
}

// SignInView holds what the page to sign in on shows.
//
//nolint:revive // the view of SignIn, as LinkView is that of Link
type SignInView struct {
	Provider string  // what the button says; "" when there is no provider
	Start    string  // where the button leads, with GET
	Problem  Problem // "" when nothing went wrong
	Email    string  // who was refused, when it is known
	Next     string  // where the person wanted to go, a local path

	Claim string   // what the problem is about, when it is about what the provider says
	Came  []string // the names of what the provider did say
}

// LinkView holds what the page of a one-time link shows: a form with the field
// "token" and a button, and for the first administrator also the fields "email"
// and "name". The page loads Script, which puts the token from the address into
// the field; without script the person pastes the link into it, so it must be
// visible and say what it is for.
type LinkView struct {
	Action  string  // where the form POSTs to
	Script  string  // the address of our script, for <script src defer>
	Token   string  // what was sent, when the form is shown again
	First   bool    // nobody is known yet: ask for e-mail and name
	Email   string  // what was sent
	Name    string  // what was sent
	Problem Problem // "" or EmailNeeded
}

// Problem says why somebody was not let in, or has to sign in again.
type Problem string

// The problems. Words gives a sentence for each.
const (
	NotKnown            Problem = "not_known"
	Disabled            Problem = "disabled"
	EmailUnverified     Problem = "email_unverified"
	EmailMissing        Problem = "email_missing"
	ClaimRefused        Problem = "claim_refused"
	ClaimLeftOut        Problem = "claim_left_out"
	AnotherAccount      Problem = "another_account"
	Expired             Problem = "expired"
	LinkUsed            Problem = "link_used"
	LinkExpired         Problem = "link_expired"
	LinkUnknown         Problem = "link_unknown"
	EmailNeeded         Problem = "email_needed"
	RateLimited         Problem = "rate_limited"
	StateUnknown        Problem = "state_unknown"
	ProviderRefused     Problem = "provider_refused"
	ProviderWrong       Problem = "provider_wrong"
	ProviderUnreachable Problem = "provider_unreachable"
	ProviderMisset      Problem = "provider_misset"
	Unavailable         Problem = "unavailable"
)

// problems says of each what to tell and with which status.
var problems = map[Problem]struct {
	status int
	words  string
}{
	NotKnown:            {http.StatusForbidden, "Nobody with your e-mail address may use this Kvitt. Ask an administrator to add you."},
	Disabled:            {http.StatusForbidden, "Your access to this Kvitt was withdrawn. Ask an administrator if you need it again."},
	EmailUnverified:     {http.StatusForbidden, "The provider does not say that your e-mail address is yours. Verify it there, then sign in again."},
	EmailMissing:        {http.StatusForbidden, "The provider does not send the e-mail address by which Kvitt knows people. Tell an administrator: the setting KVITT_OIDC_EMAIL_CLAIM says under which name it comes."},
	ClaimRefused:        {http.StatusForbidden, "The provider does not count you among those who may use this Kvitt. Ask an administrator to add you to the right group or role there."},
	ClaimLeftOut:        {http.StatusForbidden, "You are in so many groups that the provider has left them out. Tell an administrator: the log says which setting at the provider helps."},
	AnotherAccount:      {http.StatusForbidden, "This account at the provider is not the one that signed in here before with your address, or it belongs to somebody else here. Ask an administrator to let you in no more, and then in again."},
	Expired:             {http.StatusUnauthorized, "You were signed out because nothing happened for a while, or because the day is over. Sign in again."},
	LinkUsed:            {http.StatusGone, "This link was used. It works once; ask an administrator for a new one."},
	LinkExpired:         {http.StatusGone, "This link is too old. It works for 24 hours; ask an administrator for a new one."},
	LinkUnknown:         {http.StatusNotFound, "This link is not known. A newer one may have replaced it, or a part of it is missing; ask an administrator for a new one."},
	EmailNeeded:         {http.StatusUnprocessableEntity, "Your e-mail address is needed, such as anna@example.com; it is how Kvitt knows you from now on."},
	RateLimited:         {http.StatusTooManyRequests, "That was tried too often. Wait a moment, then try again."},
	StateUnknown:        {http.StatusBadRequest, "This sign-in was not begun in this browser, or was finished before. Begin again."},
	ProviderRefused:     {http.StatusForbidden, "The provider did not let you in, or you cancelled there. Sign in again."},
	ProviderWrong:       {http.StatusBadGateway, "The provider's answer could not be trusted, so you were not let in. Sign in again; if that does not help, tell an administrator: the log says why."},
	ProviderUnreachable: {http.StatusBadGateway, "The provider does not answer. Try again in a moment."},
	ProviderMisset:      {http.StatusBadGateway, "Kvitt's settings do not fit the provider, so nobody can sign in there. Tell an administrator: the log says what differs."},
	Unavailable:         {http.StatusServiceUnavailable, "Kvitt cannot reach its database. Try again in a moment."},
}

// Words is the problem as a sentence for the person.
func (p Problem) Words() string { return problems[p].words }

func (p Problem) status() int {
	if s := problems[p].status; s != 0 {
		return s
	}
	return http.StatusOK
}
