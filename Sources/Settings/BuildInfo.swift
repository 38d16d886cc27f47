/// What this build calls itself.
package enum BuildInfo {
  /// Version of the command line and of the JSON that other programs rely on.
  package static let version = "0.1.0"
}
