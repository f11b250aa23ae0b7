package main

import (
	"context"
	"fmt"
	"io"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"

	"golang.org/x/time/rate"

	"kvitt/internal/cli"
	"kvitt/internal/klarna"
	"kvitt/internal/settlement"
	"kvitt/sandbox/shop"
)

// tryRows compares `starter try` on files with fetching and proving the same rows: the whole command, from
// opening the files to the compiled voucher, once on pages of 500 rows and once on one file with all of
// them.
func tryRows(ctx context.Context, _ string) ([]figure, []string, error) {
	const rows = 100_000
	payout, err := shop.Lazy{Seed: 1, Rows: rows}.Payout()
	if err != nil {
		return nil, nil, err
	}
	pages, err := render(payout)
	if err != nil {
		return nil, nil, err
	}
	dir, err := os.MkdirTemp("", "kvitt-bench-")
	if err != nil {
		return nil, nil, err
	}
	defer os.RemoveAll(dir)
	inPages, inOne, err := save(dir, pages)
	if err != nil {
		return nil, nil, err
	}
	server := httptest.NewServer(pages)
	defer server.Close()

	var fetched, paged, whole sample
	for range rounds {
		fetched.add(func() error { return fetchAndProveOnly(ctx, server.URL) })
		paged.add(func() error { return starterTry(ctx, inPages) })
		whole.add(func() error { return starterTry(ctx, inOne) })
	}
	if err := fetched.err(paged, whole); err != nil {
		return nil, nil, err
	}
	speed := func(s sample) string { return fmt.Sprintf("%.0f rows/s", rows/s.time().Seconds()) }
	return []figure{
		{"starter try on 200 pages, against fetch + prove", speed(paged), speed(fetched), float64(paged.time()) / float64(fetched.time()), 1.2},
		{"starter try on one file with all rows, against the same", speed(whole), speed(fetched), float64(whole.time()) / float64(fetched.time()), 1.2},
	}, nil, nil
}

// save writes the documents as files, and returns the arguments that name them.
func save(dir string, pages rendered) (inPages, inOne []string, err error) {
	write := func(name string, body []byte) string {
		path := filepath.Join(dir, name)
		if err == nil {
			err = os.WriteFile(path, body, 0o600)
		}
		return path
	}
	payout := []string{"try", "--payout", write("payout.json", pages.payout)}
	inPages = slices.Clone(payout)
	var all []byte
	for offset, body := range pages.pages {
		inPages = append(inPages, "--transactions", write("page-"+offset+".json", body))
		all = append(all, body...)
	}
	return inPages, append(payout, "--transactions", write("all.json", all)), err
}

// starterTry runs the command as a person does.
func starterTry(ctx context.Context, args []string) error {
	if status := cli.Run(ctx, args, cli.Streams{In: os.Stdin, Out: io.Discard, Err: os.Stderr}); status != cli.ExitDone {
		return fmt.Errorf("starter try ended with the exit status %d", status)
	}
	return nil
}

// fetchAndProveOnly is fetching and proving without the archive.
func fetchAndProveOnly(ctx context.Context, url string) error {
	credential, err := klarna.ParseCredential("klarna", "eu", key, "")
	if err != nil {
		return err
	}
	client, err := klarna.New(credential, klarna.Options{BaseURL: url, Limiter: rate.NewLimiter(rate.Inf, 1)})
	if err != nil {
		return err
	}
	defer client.Close()
	listed, _, err := client.Payout(ctx, reference)
	if err != nil {
		return err
	}
	payout := listed.Settlement()
	tally := settlement.NewTally(payout.Currency)
	var announced int64
	var row settlement.Row
	for page, err := range client.Transactions(ctx, klarna.TransactionsQuery{PaymentReference: reference}) {
		if err != nil {
			return err
		}
		announced = page.Total
		for i := range page.Items {
			page.Items[i].Row(&row)
			tally.Add(&row)
		}
		page.Release()
	}
	_, err = settlement.Prove(payout, tally, announced, nil)
	return err
}
