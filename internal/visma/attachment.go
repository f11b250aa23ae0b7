package visma

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"net/textproto"
	"path"
	"strconv"
	"strings"

	"kvitt/internal/fault"
)

// ModuleGL is the module of batches that were entered in the general ledger.
const ModuleGL = "GL"

// File is a document of Size bytes to attach. Open reads it from the start, each time anew: a request may
// have to be sent twice.
type File struct {
	Name string
	Size int64
	Open func(ctx context.Context) (io.ReadCloser, error)
}

// Bytes makes a File of a small document.
func Bytes(name string, body []byte) File {
	return File{name, int64(len(body)), func(context.Context) (io.ReadCloser, error) {
		return io.NopCloser(bytes.NewReader(body)), nil
	}}
}

// Attach adds a file to a batch. The file name needs an extension; a file of the same name becomes a new
// revision, so attaching again does no harm.
func (c *Client) Attach(ctx context.Context, module, batchNumber string, f File) error {
	return c.attach(ctx, "attach file to journal transaction",
		journalPath+"/module/"+pathID(module)+"/"+pathID(batchNumber)+"/attachment", f)
}

// AttachToLine adds a file to one line of a batch.
func (c *Client) AttachToLine(ctx context.Context, module, batchNumber string, line int, f File) error {
	return c.attach(ctx, "attach file to journal transaction line",
		journalPath+"/module/"+pathID(module)+"/"+pathID(batchNumber)+"/"+strconv.Itoa(line)+"/attachment", f)
}

func (c *Client) attach(ctx context.Context, attempted, to string, f File) error {
	form, contentType, err := formOf(f)
	if err != nil {
		return &fault.Error{
			Class: fault.Rejected, Party: party, Attempted: attempted,
			Words: "nothing was sent", Err: err,
		}
	}
	_, err = c.do(ctx, &request{
		attempted: attempted, method: http.MethodPost, path: to, write: true,
		body: form, contentType: contentType,
	})
	return err
}

// form is a multipart body with one file.
type form struct {
	head, tail string
	file       File
}

func (f *form) size() int64 { return int64(len(f.head)) + f.file.Size + int64(len(f.tail)) }

func (f *form) open(ctx context.Context) (io.ReadCloser, error) {
	body, err := f.file.Open(ctx)
	if err != nil {
		return nil, err
	}
	return struct {
		io.Reader
		io.Closer
	}{io.MultiReader(strings.NewReader(f.head), &exactly{body, f.file.Size}, strings.NewReader(f.tail)), body}, nil
}

// exactly is a body that must have the announced length: the end of the form must not follow a truncated
// file.
type exactly struct {
	body io.Reader
	left int64
}

func (e *exactly) Read(p []byte) (int, error) {
	n, err := e.body.Read(p)
	e.left -= int64(n)
	if e.left < 0 || err == io.EOF && e.left > 0 { //nolint:errorlint // a reader ends with io.EOF itself
		return 0, errors.New("the length of the file has changed")
	}
	return n, err
}

// formOf makes the one part, named v, that Visma.net expects.
func formOf(f File) (_ *form, contentType string, err error) {
	if path.Ext(f.Name) == "" || strings.ContainsAny(f.Name, "/\\\r\n\x00") {
		return nil, "", fmt.Errorf("the file name %q is not a plain name with an extension", f.Name)
	}
	fileType := mime.TypeByExtension(path.Ext(f.Name))
	if fileType == "" {
		fileType = "application/octet-stream"
	}
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	_, err = w.CreatePart(textproto.MIMEHeader{
		"Content-Disposition": {fmt.Sprintf(`form-data; name="v"; filename="%s"`, strings.ReplaceAll(f.Name, `"`, "%22"))},
		"Content-Type":        {fileType},
	})
	head := b.Len()
	if err == nil {
		err = w.Close()
	}
	return &form{b.String()[:head], b.String()[head:], f}, w.FormDataContentType(), err
}
