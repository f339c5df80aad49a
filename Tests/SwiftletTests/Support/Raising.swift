import Glibc

/// Sends a signal to this thread: it has come when the call returns, and interrupts no call of
/// another test. The threads of Swift's pool, and those that they start, block every signal.
func sendToThisThread(_ signal: CInt) {
    var one = sigset_t()
    var before = sigset_t()
    sigemptyset(&one)
    sigaddset(&one, signal)
    pthread_sigmask(SIG_UNBLOCK, &one, &before)
    raise(signal)
    pthread_sigmask(SIG_SETMASK, &before, nil)
}
