package vault_test

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"kvitt/internal/vault"
)

type holder struct {
	Key  vault.Secret
	Keys map[string]vault.Secret
	Ptr  *vault.Secret
	List []vault.Secret
}

func held() holder {
	s := vault.Secret(canary)
	return holder{s, map[string]vault.Secret{"key": s}, &s, []vault.Secret{s}}
}

func TestASecretIsRedactedHoweverItIsPrinted(t *testing.T) {
	var printed []string
	for _, verb := range []string{"v", "+v", "#v", "s", "q", "x", "X", "d", "t", "c", "U", "10s", "-40q", "#x", "e"} {
		printed = append(printed, fmt.Sprintf("%"+verb, vault.Secret(canary)), fmt.Sprintf("%"+verb, held()))
	}
	printed = append(printed,
		fmt.Sprint(vault.Secret(canary)), fmt.Sprintln(held()), vault.Secret(canary).String(), vault.Secret(canary).GoString(),
		errors.Join(fmt.Errorf("refused %s", vault.Secret(canary))).Error())

	j, err := json.Marshal(held())
	must(t, err)
	x, err := xml.Marshal(vault.Secret(canary))
	must(t, err)
	printed = append(printed, string(j), string(x))

	var log bytes.Buffer
	for _, h := range []slog.Handler{slog.NewJSONHandler(&log, nil), slog.NewTextHandler(&log, nil)} {
		slog.New(h).Info("x", "key", vault.Secret(canary), "held", held(), slog.Any("group", vault.Secret(canary)))
	}
	for _, e := range []zapcore.Encoder{zapcore.NewJSONEncoder(zap.NewProductionEncoderConfig()), zapcore.NewConsoleEncoder(zap.NewDevelopmentEncoderConfig())} {
		logger := zap.New(zapcore.NewCore(e, zapcore.AddSync(&log), zap.DebugLevel))
		logger.Info("x", zap.Any("key", vault.Secret(canary)), zap.Any("held", held()), zap.Stringer("s", vault.Secret(canary)), zap.Reflect("r", vault.Secret(canary)))
		logger.Sugar().Infow("x", "key", vault.Secret(canary), "held", held())
		logger.Sugar().Infof("%v", held())
	}
	printed = append(printed, log.String())

	inHex := fmt.Sprintf("%x", canary)
	for _, p := range printed {
		if strings.Contains(p, "kanarie") || strings.Contains(strings.ToLower(p), inHex[:20]) {
			t.Errorf("the secret shows in %s", p)
		}
	}
	if got := fmt.Sprintf("%s", vault.Secret(canary)); got != "[redacted]" {
		t.Errorf("it prints as %q", got)
	}
}

func TestASecretIsReadFromJSONAndRefusedByADatabase(t *testing.T) {
	var h struct{ Key vault.Secret }
	must(t, json.Unmarshal([]byte(`{"Key":"abc"}`), &h))
	if h.Key.Reveal() != "abc" {
		t.Error("it was not read")
	}
	if _, err := h.Key.Value(); err == nil {
		t.Error("a database driver got it in clear text")
	}
}
