import Reports

/// `loadtest echo`: the bundled server in the foreground.
func runEchoServer(arguments: [String]) -> Int32 {
    Output.complain("this build has no echo server", exit: ExitCode.unreachable)
}
