package vismasim

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"hash"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"path"
	"strconv"
)

// attach adds a file to a batch or one of its lines. A file of the same name is a new revision.
func (s *Sim) attach(q *call) (answer, error) {
	b := q.c.batchOf(q.PathValue("module"), q.id("number"))
	if b == nil {
		return answer{}, notFound("Journal transaction '" + q.id("number") + "'")
	}
	into := &b.Attachments
	if line := q.PathValue("line"); line != "" {
		n, err := strconv.Atoi(line)
		if err != nil || b.line(n) == nil {
			return answer{}, notFound("Line '" + line + "'")
		}
		into = &b.line(n).Attachments
	}
	u, ok := q.Context().Value(uploaded{}).(*upload)
	if !ok {
		u = readUpload(q.Request) // the upload waited in the background
	}
	if u.err != nil {
		return answer{}, plainly("%s", u.err)
	}
	f := s.store(q.c, into, u)
	s.touch(q.c, b, q.at)
	s.keep(q.c, kindFile, f)
	return emptyAnswer(http.StatusCreated).with("Location", s.elsewhere(q.c, "v1/attachment/"+f.ID)), nil
}

// store adds the file, or the next revision of the one with that name.
func (s *Sim) store(c *company, into *[]Attachment, u *upload) *file {
	content, sum := []byte(u.start), hex.EncodeToString(u.digest.Sum(nil))
	if u.size > mostKept {
		content = nil
	}
	for i := range *into {
		if a := &(*into)[i]; a.Name == u.name {
			f := c.files[a.ID]
			f.Revisions = append(f.Revisions, content)
			a.Revision, a.Size, a.SHA256 = len(f.Revisions), u.size, sum
			return f
		}
	}
	f := &file{ID: s.newID("attachment"), Name: u.name, Revisions: [][]byte{content}}
	c.files[f.ID] = f
	*into = append(*into, Attachment{ID: f.ID, Name: u.name, Revision: 1, Size: u.size, SHA256: sum})
	return f
}

// mostKept is the largest file that is stored, completely or not at all, and the part stored of a request
// with a file.
const mostKept = 1 << 20

// beginning keeps the first bytes written to it.
type beginning []byte

func (b *beginning) Write(p []byte) (int, error) {
	*b = append(*b, p[:min(len(p), mostKept-len(*b))]...)
	return len(p), nil
}

// uploaded is the context key of a request's upload.
type uploaded struct{}

// upload is a received file.
type upload struct {
	name   string
	size   int
	digest hash.Hash
	start  beginning
	err    error // the problem with it
}

// readUpload reads the one part "v" of a multipart body.
func readUpload(r *http.Request) *upload {
	u := &upload{digest: sha256.New()}
	parts, err := r.MultipartReader()
	if err != nil {
		u.err = errors.New("the request is not multipart/form-data")
		return u
	}
	for {
		part, err := parts.NextPart()
		if err != nil {
			u.err = errors.New("the request has no file part named 'v'")
			return u
		}
		if part.FormName() == "v" {
			u.read(part)
			return u
		}
	}
}

func (u *upload) read(part *multipart.Part) {
	u.name = part.FileName()
	if path.Ext(u.name) == "" || path.Ext(u.name) == "." {
		u.err = errors.New("the file name must have an extension")
		return
	}
	n, err := io.Copy(io.MultiWriter(u.digest, &u.start), part)
	if u.size = int(n); err != nil || n == 0 {
		u.err = errors.New("the file is empty or was cut short")
	}
}

func (s *Sim) getAttachment(q *call) (answer, error) {
	f := q.c.files[q.id("id")]
	if f == nil {
		return answer{}, notFound("Attachment")
	}
	kind := mime.TypeByExtension(path.Ext(f.Name))
	if kind == "" {
		kind = "application/octet-stream"
	}
	content := f.Revisions[len(f.Revisions)-1]
	if content == nil {
		return answer{}, notFound("The content of the attachment, which is too large for a simulator to keep,")
	}
	reply := answer{status: http.StatusOK, header: http.Header{"Content-Type": {kind}}, body: content}
	return reply.with("Content-Disposition", mime.FormatMediaType("attachment", map[string]string{"filename": f.Name})), nil
}
