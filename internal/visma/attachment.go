package visma

import (
	"bytes"
	"context"
	"fmt"
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

// Attach adds a file to a batch. The file name needs an extension; a file of
// the same name becomes a new revision, so that attaching again does no harm.
func (c *Client) Attach(ctx context.Context, module, batchNumber, filename string, body []byte) error {
	return c.attach(ctx, "attach file to journal transaction",
		journalPath+"/module/"+pathID(module)+"/"+pathID(batchNumber)+"/attachment", filename, body)
}

// AttachToLine adds a file to one line of a batch.
func (c *Client) AttachToLine(ctx context.Context, module, batchNumber string, line int, filename string, body []byte) error {
	return c.attach(ctx, "attach file to journal transaction line",
		journalPath+"/module/"+pathID(module)+"/"+pathID(batchNumber)+"/"+strconv.Itoa(line)+"/attachment", filename, body)
}

func (c *Client) attach(ctx context.Context, attempted, to, filename string, body []byte) error {
	form, contentType, err := attachmentForm(filename, body)
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

// attachmentForm writes the one part, named v, that Visma.net wants.
func attachmentForm(filename string, body []byte) (form []byte, contentType string, err error) {
	if path.Ext(filename) == "" || strings.ContainsAny(filename, "/\\\r\n\x00") {
		return nil, "", fmt.Errorf("the file name %q is not a plain name with an extension", filename)
	}
	fileType := mime.TypeByExtension(path.Ext(filename))
	if fileType == "" {
		fileType = "application/octet-stream"
	}
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	part, err := w.CreatePart(textproto.MIMEHeader{
		"Content-Disposition": {fmt.Sprintf(`form-data; name="v"; filename="%s"`, strings.ReplaceAll(filename, `"`, "%22"))},
		"Content-Type":        {fileType},
	})
	if err == nil {
		_, err = part.Write(body)
	}
	if err == nil {
		err = w.Close()
	}
	return b.Bytes(), w.FormDataContentType(), err
}
