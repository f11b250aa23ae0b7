package vismasim

import (
	"errors"
	"io"
	"mime"
	"net/http"
	"path"
	"strconv"
)

// attach takes a file for a batch or one of its lines. The same name again is a
// new revision.
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
	name, content, err := filePart(q)
	if err != nil {
		return answer{}, plainly("%s", err)
	}
	f := s.store(q.c, into, name, content)
	s.touch(q.c, b, q.at)
	s.keep(q.c, kindFile, f)
	return emptyAnswer(http.StatusCreated).with("Location", s.elsewhere(q.c, "v1/attachment/"+f.ID)), nil
}

// store adds the file, or the next revision of the one with that name.
func (s *Sim) store(c *company, into *[]Attachment, name string, content []byte) *file {
	for i := range *into {
		if a := &(*into)[i]; a.Name == name {
			f := c.files[a.ID]
			f.Revisions = append(f.Revisions, content)
			a.Revision, a.Size = len(f.Revisions), len(content)
			return f
		}
	}
	f := &file{ID: s.newID("attachment"), Name: name, Revisions: [][]byte{content}}
	c.files[f.ID] = f
	*into = append(*into, Attachment{ID: f.ID, Name: name, Revision: 1, Size: len(content)})
	return f
}

// filePart reads the one part "v" of a multipart body.
func filePart(q *call) (name string, content []byte, err error) {
	parts, err := q.MultipartReader()
	if err != nil {
		return "", nil, errors.New("the request is not multipart/form-data")
	}
	for {
		part, err := parts.NextPart()
		if err != nil {
			return "", nil, errors.New("the request has no file part named 'v'")
		}
		if part.FormName() != "v" {
			continue
		}
		name = part.FileName()
		if path.Ext(name) == "" || path.Ext(name) == "." {
			return "", nil, errors.New("the file name must have an extension")
		}
		content, err = io.ReadAll(part)
		if err != nil || len(content) == 0 {
			return "", nil, errors.New("the file is empty or was cut short")
		}
		return name, content, nil
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
	reply := answer{status: http.StatusOK, header: http.Header{"Content-Type": {kind}}, body: f.Revisions[len(f.Revisions)-1]}
	return reply.with("Content-Disposition", mime.FormatMediaType("attachment", map[string]string{"filename": f.Name})), nil
}
