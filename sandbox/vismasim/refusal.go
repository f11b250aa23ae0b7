package vismasim

import (
	"fmt"
	"net/http"
)

// refusal is an error answer of the simulated system, in the real one's form.
type refusal struct {
	status  int
	doing   string // "creating document"; empty: the message alone
	message string
}

func (r *refusal) Error() string { return r.message }

// refuse makes a 400 "VismaId: … Error <doing>. Error: <message>".
func refuse(doing, format string, args ...any) *refusal {
	return &refusal{status: http.StatusBadRequest, doing: doing, message: fmt.Sprintf(format, args...)}
}

// plainly makes a 400 with only the message.
func plainly(format string, args ...any) *refusal {
	return &refusal{status: http.StatusBadRequest, message: fmt.Sprintf(format, args...)}
}

func notFound(what string) *refusal {
	return &refusal{status: http.StatusNotFound, message: what + " not found."}
}

// answer turns a refusal into an answer in the real one's form. A refusal without a message (412) has no
// body.
func (r *refusal) answer(vismaID string) answer {
	if r.message == "" {
		return emptyAnswer(r.status)
	}
	message := r.message
	if r.doing != "" {
		message = fmt.Sprintf("VismaId: %s. Error %s. Error: %s", vismaID, r.doing, r.message)
	}
	return jsonAnswer(r.status, map[string]string{"message": message})
}
