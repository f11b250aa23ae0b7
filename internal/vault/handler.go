package vault

import (
	"errors"
	"io"
	"net/http"
	"path"
	"strings"

	commonpb "go.temporal.io/api/common/v1"
	"go.temporal.io/sdk/converter"
	"google.golang.org/protobuf/encoding/protojson"
)

// A page of a history in the Web UI is at most one answer of Temporal, 4 MiB, and base64 makes that a
// third larger.
const mostBody = 8 << 20

// CodecHandler lets the Temporal Web UI and CLI decode payloads: POST to …/decode, with or without a
// trailing slash, after any path (such as the namespace). It encrypts nothing: a caller could then make
// messages that the worker accepts as Kvitt's own. Browsers are allowed from allowedOrigin
// ("http://127.0.0.1:8233") only, with credentials, so that authorize can look at cookies and headers; a
// nil authorize allows nobody. Answers: 200 with the payloads, 400 with what is wrong with them, 401, 403
// (another origin), 404, 405, 413.
func (k *Keyring) CodecHandler(allowedOrigin string, authorize func(*http.Request) bool) http.Handler {
	return &codecHandler{codec: k.Codec(), origin: strings.TrimSuffix(allowedOrigin, "/"), authorize: authorize}
}

type codecHandler struct {
	codec     converter.PayloadCodec
	origin    string
	authorize func(*http.Request) bool
}

func (h *codecHandler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	header := w.Header()
	header.Add("Vary", "Origin")
	header.Set("Cache-Control", "no-store")
	header.Set("X-Content-Type-Options", "nosniff")

	if path.Base(path.Clean("/"+r.URL.Path)) != "decode" {
		http.Error(w, "the codec serves /decode only", http.StatusNotFound)
		return
	}
	if origin := r.Header.Get("Origin"); origin != "" { // the CLI has none
		if h.origin == "" || origin != h.origin {
			http.Error(w, "the codec is not open to this origin; KVITT_UI_ORIGIN names the allowed one", http.StatusForbidden)
			return
		}
		header.Set("Access-Control-Allow-Origin", h.origin)
		header.Set("Access-Control-Allow-Credentials", "true")
	}
	switch {
	case r.Method == http.MethodOptions: // a preflight carries no credentials
		header.Set("Access-Control-Allow-Methods", "POST, OPTIONS")
		header.Set("Access-Control-Allow-Headers", "Authorization, Authorization-Extras, Content-Type, X-Namespace")
		header.Set("Access-Control-Max-Age", "600")
		w.WriteHeader(http.StatusNoContent)
	case r.Method != http.MethodPost:
		header.Set("Allow", "POST, OPTIONS")
		http.Error(w, "the codec accepts POST only", http.StatusMethodNotAllowed)
	case h.authorize == nil || !h.authorize(r):
		http.Error(w, "log in to Kvitt first", http.StatusUnauthorized)
	default:
		h.answer(w, r)
	}
}

func (h *codecHandler) answer(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, mostBody))
	if err != nil {
		var tooLarge *http.MaxBytesError
		if errors.As(err, &tooLarge) {
			http.Error(w, "the payloads are larger than 8 MiB", http.StatusRequestEntityTooLarge)
			return
		}
		http.Error(w, "the request ended before all payloads arrived", http.StatusBadRequest)
		return
	}
	var payloads commonpb.Payloads
	if err := protojson.Unmarshal(body, &payloads); err != nil {
		http.Error(w, `the body is not {"payloads":[…]} in JSON`, http.StatusBadRequest)
		return
	}
	out, err := h.codec.Decode(payloads.GetPayloads())
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	answer, err := protojson.Marshal(&commonpb.Payloads{Payloads: out})
	if err != nil {
		http.Error(w, "the payloads cannot be written as JSON", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(answer)
}
