package stack

import (
	"context"

	"go.temporal.io/api/operatorservice/v1"
	"go.temporal.io/sdk/client"

	"kvitt/workflows"
)

// RegisterAttributes registers the search attributes with the default
// namespace, for workflows that run without `starter setup`.
func RegisterAttributes(ctx context.Context, c client.Client) error {
	_, err := c.OperatorService().AddSearchAttributes(ctx, &operatorservice.AddSearchAttributesRequest{
		Namespace: client.DefaultNamespace, SearchAttributes: workflows.SearchAttributes(),
	})
	return err
}
