package klarna

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"strconv"
	"time"
)

// samplePage writes rows of a payout as they come live: the three rows of each
// order, with ids that do not repeat, then the pagination.
func samplePage(offset, n int, total int64) []byte {
	dice := rand.New(rand.NewPCG(uint64(offset), 1))
	var b bytes.Buffer
	b.WriteString(`{"transactions":[`)
	var order, capture string
	for i := range n {
		if i > 0 {
			b.WriteByte(',')
		}
		if i%3 == 0 {
			order, capture = sampleID(dice), sampleID(dice)
		}
		sampleRow(&b, offset+i, i%3, order, capture)
	}
	fmt.Fprintf(&b, `],"pagination":{"count":%d,"total":%d,"offset":%d,"next":null,"prev":null}}`, n, total, offset)
	return b.Bytes()
}

func sampleRow(b *bytes.Buffer, i, kind int, order, capture string) {
	at := time.Date(2026, 1, 14, 7, 0, 0, 0, time.UTC).Add(time.Duration(i/3*7) * time.Second)
	types := [3][2]string{{"SALE", "PURCHASE"}, {"FEE", "PURCHASE_FEE_PERCENTAGE"}, {"FEE", "PURCHASE_FEE_FIXED"}}[kind]
	fmt.Fprintf(b, `{"amount":%d,"capture_id":"%s","merchant_reference1":"%d","sale_date":"%s","type":"%s",`,
		1000+i%977*13, capture, 100000+i/3, at.Format(time.RFC3339), types[0])
	fmt.Fprintf(b, `"capture_date":"%s","payment_reference":"4711","order_id":"%s",`, at.Add(26*time.Hour).Format(time.RFC3339), order)
	fmt.Fprintf(b, `"payout":"https://api.klarna.com/settlements/v1/payouts/4711","short_order_id":"%s-1",`, order[:8])
	b.WriteString(`"merchant_reference2":"","currency_code":"SEK","purchase_country":"SE","shipping_address_country":"SE",`)
	fmt.Fprintf(b, `"initial_payment_method_type":"invoice","initial_payment_method_number_of_installments":1,"merchant_id":"K123456","detailed_type":"%s"`, types[1])
	if kind > 0 {
		vat := strconv.Itoa(25 + i%97)
		b.WriteString(`,"vat_rate":2500,"vat_amount":` + vat + `,"tax_in_currency_of_registration_country":` + vat)
		b.WriteString(`,"currency_code_of_registration_country":"SEK"`)
	}
	b.WriteByte('}')
}

func sampleID(dice *rand.Rand) string {
	var id [16]byte
	for i := range id {
		id[i] = byte(dice.Uint32())
	}
	h := hex.EncodeToString(id[:])
	return h[:8] + "-" + h[8:12] + "-" + h[12:16] + "-" + h[16:20] + "-" + h[20:]
}
