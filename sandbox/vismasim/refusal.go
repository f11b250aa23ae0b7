package vismasim

import (
	"fmt"
	"net/http"
)

// refusal is a no of the simulated system, answered in the shape it uses.
type refusal struct {
	status  int
	doing   string // "creating document"; empty: the message stands alone
	message string
}

func (r *refusal) Error() string { return r.message }

// refuse is a 400 "VismaId: … Error <doing>. Error: <message>".
func refuse(doing, format string, args ...any) *refusal {
	return &refusal{status: http.StatusBadRequest, doing: doing, message: fmt.Sprintf(format, args...)}
}

// plainly is a 400 that carries nothing but the message.
func plainly(format string, args ...any) *refusal {
	return &refusal{status: http.StatusBadRequest, message: fmt.Sprintf(format, args...)}
}

func notFound(what string) *refusal {
	return &refusal{status: http.StatusNotFound, message: what + " not found."}
}

// answer puts a refusal into the shape of the real one. One without a message
// (412) has no body.
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
