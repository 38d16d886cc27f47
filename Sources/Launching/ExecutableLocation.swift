internal import Foundation

/// Where the running executable is, links resolved; ranks are started from the same file.
package enum ExecutableLocation {
  /// Absolute path.
  ///
  /// Throws: `LaunchError` when /proc is not mounted.
  package static func path() throws(LaunchError) -> String {
    do {
      return try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
    } catch {
      throw LaunchError("the path of this executable is unknown because /proc is not readable; mount /proc")
    }
  }
}
