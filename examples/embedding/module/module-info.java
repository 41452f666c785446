/** The application as a module; see "The module path" in docs/embedding.md. */
module com.example {
  requires org.edgefit.client;
  requires org.edgefit.server;
}
