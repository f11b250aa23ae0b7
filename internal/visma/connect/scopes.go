package connect

import (
	"slices"
	"strings"
)

// The two flows.
const (
	FlowService     = "service"     // client credentials + company tenant id
	FlowInteractive = "interactive" // a person consents in a browser
)

// ServiceScopes are all scopes to request with the service flow, from the first day on: a scope that is
// added later needs a new approval by Visma and by every customer. Deleting is never needed.
func ServiceScopes() []string {
	return []string{
		"vismanet_erp_service_api:read",
		"vismanet_erp_service_api:create",
		"vismanet_erp_service_api:update",
	}
}

// InteractiveScopes are all scopes to request with the interactive flow, from the first day on: the person
// (openid, email, profile), the token's company (tenants), a refresh token (offline_access), and the API.
func InteractiveScopes() []string {
	return []string{
		"openid", "email", "profile", "tenants", "offline_access",
		"vismanet_erp_interactive_api:read",
		"vismanet_erp_interactive_api:create",
		"vismanet_erp_interactive_api:update",
	}
}

// MissingScopes returns the API scopes that were requested and not granted. A reply without scopes grants
// the requested ones.
func MissingScopes(asked []string, granted string) []string {
	has := strings.Fields(granted)
	if len(has) == 0 {
		return nil
	}
	var missing []string
	for _, scope := range asked {
		if strings.HasPrefix(scope, "vismanet_erp_") && !slices.Contains(has, scope) {
			missing = append(missing, scope)
		}
	}
	return missing
}
