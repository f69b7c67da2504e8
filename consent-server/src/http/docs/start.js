// Shows the document that this server has. A file of its own, since the page allows no script inside.
"use strict";

SwaggerUIBundle({
  dom_id: "#docs",
  url: "/openapi.json",
  deepLinking: true,
  // The marks of a checker that is asked over the network otherwise.
  validatorUrl: null,
  // Nothing is kept in this browser: a token, a receipt.
  persistAuthorization: false,
  defaultModelsExpandDepth: 0,
  docExpansion: "list",
  tryItOutEnabled: true,
});
