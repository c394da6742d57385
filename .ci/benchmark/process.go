package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// process is a server under measure.
type process struct {
	command *exec.Cmd
	address string // host:port
	said    *tail  // on stderr
	ended   chan struct{}
}

// startLimit is how long a server may take before it answers.
const startLimit = 15 * time.Minute

// begin starts a command. Core "" leaves it all cores.
func begin(core string, environment []string, stderr io.Writer, arguments ...string) (*process, error) {
	if core != "" {
		arguments = append([]string{"taskset", "-c", core}, arguments...)
	}
	command := exec.Command(arguments[0], arguments[1:]...)
	command.Env = append(os.Environ(), environment...)
	command.Stderr = stderr
	// Nothing outlives the benchmark, also where it is killed.
	command.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := command.Start(); err != nil {
		return nil, err
	}
	p := &process{command: command, ended: make(chan struct{})}
	go func() {
		_ = command.Wait() // a server that ended by itself shows as no answer
		close(p.ended)
	}()
	return p, nil
}

// serve starts a server and waits until it answers path with 200. The port that
// it is told is in the place of {port} in the arguments.
func serve(core, path string, environment []string, arguments ...string) (*process, error) {
	port, err := freePort()
	if err != nil {
		return nil, err
	}
	filled := make([]string, len(arguments))
	for i, argument := range arguments {
		filled[i] = strings.ReplaceAll(argument, "{port}", port)
	}
	var said tail
	p, err := begin(core, append(environment, "PORT="+port), &said, filled...)
	if err != nil {
		return nil, err
	}
	p.address, p.said = "127.0.0.1:"+port, &said
	for deadline := time.Now().Add(startLimit); !p.answers(path); {
		select {
		case <-p.ended:
			return nil, fmt.Errorf("%s ended before it answered: %s", arguments[0], said.last(500))
		case <-time.After(time.Millisecond):
		}
		if time.Now().After(deadline) {
			return nil, errors.Join(fmt.Errorf("%s did not answer %s", arguments[0], path), p.stop())
		}
	}
	return p, nil
}

func freePort() (string, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	_, port, err := net.SplitHostPort(listener.Addr().String())
	return port, errors.Join(err, listener.Close())
}

// answers tells whether there is a 200 at path; one request on one connection, with
// a token for whoever wants one and looks no closer.
func (p *process) answers(path string) bool {
	c, err := dial(p.address)
	if err != nil {
		return false
	}
	defer c.close()
	got, err := c.ask(get(p.address, path, "any"))
	return err == nil && got.status == http.StatusOK
}

func (p *process) pid() int { return p.command.Process.Pid }

// stop ends the process.
func (p *process) stop() error {
	if err := p.command.Process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	<-p.ended
	return nil
}

// cpu is the processor time that all threads of the process have used so far, by
// its CPU clock, to the nanosecond (clock_getcpuclockid(3)).
func (p *process) cpu() (time.Duration, error) {
	const scheduler = 2 // CPUCLOCK_SCHED of the kernel
	var at unix.Timespec
	if err := unix.ClockGettime(int32(^p.pid()<<3|scheduler), &at); err != nil {
		return 0, fmt.Errorf("CPU clock of process %d: %w", p.pid(), err)
	}
	return time.Duration(at.Nano()), nil
}

// resident is the memory of the process that is in RAM, in bytes.
func (p *process) resident() (int64, error) {
	status, err := os.Open(fmt.Sprintf("/proc/%d/status", p.pid()))
	if err != nil {
		return 0, err
	}
	defer status.Close()
	for lines := bufio.NewScanner(status); lines.Scan(); {
		if rest, ok := strings.CutPrefix(lines.Text(), "VmRSS:"); ok {
			kilobytes, err := strconv.ParseInt(strings.TrimSuffix(strings.TrimSpace(rest), " kB"), 10, 64)
			return kilobytes << 10, err
		}
	}
	return 0, fmt.Errorf("process %d has no resident memory", p.pid())
}

// tail keeps what a process writes to stderr; used by the goroutine of exec.Cmd
// and read between requests.
type tail struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (t *tail) Write(data []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.text.Write(data)
}

func (t *tail) last(count int) string {
	t.mu.Lock()
	defer t.mu.Unlock()
	text := t.text.String()
	return text[max(0, len(text)-count):]
}
