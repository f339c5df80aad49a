/// The version of this package, as `--version` prints it.
public let swiftletVersion = "0.1.0"
