package state

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/mockduktor/mockduktor/server/kinds"
	"github.com/mockduktor/mockduktor/server/limits"
	"github.com/mockduktor/mockduktor/server/store"
)

const (
	// Gather is how long changes are gathered before they are written: so long after
	// its answer, and as long as a writing takes, a change is on disk.
	Gather = 100 * time.Millisecond
	// A writing is followed by a pause of so many times its own duration, so that a
	// large world that changes all the time costs a part of one core.
	pausePerWrite = 4
	// After a failure it is tried again, sooner at first.
	firstRetry, lastRetry = time.Second, 30 * time.Second
)

var errTaken = errors.New("another process keeps its state there: stop it, or name another file")

// Status is how the keeping of a state goes.
type Status struct {
	File string `json:"file"`
	// SavedAt is when the file was written last, by the machine's clock; nil: not yet.
	SavedAt *time.Time `json:"saved_at,omitempty"`
	Bytes   int64      `json:"bytes,omitempty"`
	// Pending: there are changes that the file does not have.
	Pending bool `json:"pending"`
	// Failure is why the last writing failed; empty after one that did not.
	Failure string `json:"failure,omitempty"`
	// Restored tells that the world came from the file.
	Restored bool `json:"restored"`
	// Warning is what was special about the file at the start.
	Warning string `json:"warning,omitempty"`
}

// Keeper keeps a world in a file.
type Keeper struct {
	file   string
	logger *slog.Logger
	locked *os.File // nil while the lock could not be made

	world  *store.World
	engine *kinds.Engine

	changed  chan struct{}   // holds one: there is something to write
	flush    chan chan error // see Save
	stopping chan struct{}
	stop     sync.Once
	ended    chan struct{}
	closed   error // of the first Close
	pending  atomic.Bool

	mu     sync.Mutex // for what follows
	about  About
	status Status
}

// Open takes a state file for this process and reads it; the world is nil where
// there is none yet. A file that is damaged is set aside with a loud line in the
// log, and the world is nil too: a server for development is of more use with its
// seed than not at all. What a user has to mend first is an error, and then
// nothing is touched: the file of another process, of another format or of
// another program, a folder, missing rights.
func Open(file string, engine *kinds.Engine, bounds limits.Limits, logger *slog.Logger) (*Keeper, *store.World, error) {
	if resolved, err := filepath.EvalSymlinks(file); err == nil {
		file = resolved // or a renaming would replace the link
	}
	if info, err := os.Stat(filepath.Dir(file)); err != nil || !info.IsDir() {
		return nil, nil, fmt.Errorf("--state %s: the folder %s is missing: make it first", file, filepath.Dir(file))
	}
	k := &Keeper{
		file: file, logger: logger, engine: engine,
		changed: make(chan struct{}, 1), flush: make(chan chan error), stopping: make(chan struct{}), ended: make(chan struct{}),
		status: Status{File: file},
	}
	if err := k.lock(); err != nil {
		if errors.Is(err, errTaken) {
			return nil, nil, fmt.Errorf("--state %s: %w", file, err)
		}
		k.failed(err)
	}
	world, err := k.restore(bounds)
	if err != nil {
		return nil, nil, errors.Join(fmt.Errorf("--state: %w", err), k.unlock())
	}
	return k, world, nil
}

func (k *Keeper) lock() (err error) {
	if k.locked == nil {
		k.locked, err = lock(k.file + ".lock")
	}
	return err
}

func (k *Keeper) unlock() error {
	if k.locked == nil {
		return nil
	}
	// The file stays: whoever removed it could take it from the next process.
	locked := k.locked
	k.locked = nil
	return locked.Close()
}

func (k *Keeper) restore(bounds limits.Limits) (*store.World, error) {
	body, err := read(k.file)
	var world *store.World
	if err == nil {
		world, k.about, err = decodeWorld(body, k.engine, bounds)
	}
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, nil
	case errors.Is(err, ErrDamaged):
		if k.locked == nil {
			return nil, fmt.Errorf("%s: %w; it cannot be set aside, for the folder cannot be written", k.file, err)
		}
		aside, moved := setAside(k.file)
		if moved != nil {
			return nil, fmt.Errorf("%s: %w; it could not be set aside: %w", k.file, err, moved)
		}
		k.status.Warning = err.Error() + "; it was set aside as " + aside + ", and the world begins anew from the seed"
		k.logger.Error("THE STATE IS LOST: the world begins anew from the seed", "file", k.file, "error", err, "set_aside_as", aside)
		return nil, nil
	case err != nil:
		return nil, err
	}
	k.status.Restored = true
	k.status.SavedAt, k.status.Bytes = &k.about.SavedAt, int64(len(body))
	return world, nil
}

// About is what the file tells beside the world; zero where there was no file.
func (k *Keeper) About() About {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.about
}

// SetSeed tells the digest of the seed from now on.
func (k *Keeper) SetSeed(digest string) {
	k.mu.Lock()
	k.about.Seed = digest
	k.mu.Unlock()
	k.note()
}

// SetSecret tells what codes, refresh tokens and sign-ins are derived from.
func (k *Keeper) SetSecret(secret []byte) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.about.Secret = secret
}

// Warn keeps a line about the file for whoever asks for the status.
func (k *Keeper) Warn(text string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.status.Warning = text
}

// Keep writes the world, and from now on soon after each of its changes. It is
// for before the world is shared. Close ends it.
func (k *Keeper) Keep(world *store.World) {
	k.world = world
	world.Notify(k.note)
	k.note()
	go k.run()
}

func (k *Keeper) note() {
	k.pending.Store(true)
	select {
	case k.changed <- struct{}{}:
	default:
	}
}

// run is the one that writes.
func (k *Keeper) run() {
	defer close(k.ended)
	timer := time.NewTimer(0)
	<-timer.C
	var pause, retry time.Duration
	waiting := false
	for {
		var changed <-chan struct{} = k.changed
		if waiting {
			changed = nil // what comes meanwhile is written too
		}
		select {
		case <-changed:
			timer.Reset(max(Gather, pause))
			waiting = true
			continue
		case <-timer.C:
			if waiting = false; !k.pending.Load() {
				continue // Save was quicker
			}
		case answer := <-k.flush:
			answer <- k.save()
			continue
		case <-k.stopping:
			if k.pending.Load() {
				_ = k.save() // it has said so in the log
			}
			return
		}
		began := time.Now()
		if err := k.save(); err != nil {
			retry = min(max(2*retry, firstRetry), lastRetry)
			timer.Reset(retry)
			waiting = true
			continue
		}
		retry, pause = 0, pausePerWrite*time.Since(began)
	}
}

// save writes the file now; run alone calls it.
func (k *Keeper) save() error {
	k.pending.Store(false) // before the picture: what comes later is pending again
	size, at, err := k.write()
	if err != nil {
		k.pending.Store(true)
		k.failed(err)
		return err
	}
	k.mu.Lock()
	again := k.status.Failure != ""
	k.status.SavedAt, k.status.Bytes, k.status.Failure = &at, size, ""
	k.mu.Unlock()
	if again {
		k.logger.Info("the state is kept again", "file", k.file)
	}
	return nil
}

func (k *Keeper) write() (size int64, at time.Time, err error) {
	if err := k.lock(); err != nil {
		return 0, at, err
	}
	about := k.About()
	about.SavedAt = time.Now().UTC()
	picture := k.world.Picture()
	counted := &counter{}
	err = write(k.file, func(w io.Writer) error {
		return encodeWorld(io.MultiWriter(w, counted), k.engine, about, picture)
	})
	return counted.n, about.SavedAt, err
}

type counter struct{ n int64 }

func (c *counter) Write(p []byte) (int, error) {
	c.n += int64(len(p))
	return len(p), nil
}

func (k *Keeper) failed(err error) {
	k.mu.Lock()
	k.status.Failure = err.Error()
	k.mu.Unlock()
	k.logger.Error("THE STATE IS NOT KEPT: the server goes on, and a restart would lose what has changed since", "file", k.file, "error", err)
}

// Save writes what has changed and returns once it is on disk.
func (k *Keeper) Save(ctx context.Context) error {
	answer := make(chan error, 1)
	select {
	case k.flush <- answer:
		return <-answer
	case <-k.ended:
		return errors.New("the server is ending")
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Status tells how it goes.
func (k *Keeper) Status() Status {
	k.mu.Lock()
	defer k.mu.Unlock()
	status := k.status
	status.Pending = k.pending.Load()
	return status
}

// Close writes what is not written yet and gives the file free.
func (k *Keeper) Close() error {
	k.stop.Do(func() {
		close(k.stopping)
		<-k.ended
		k.closed = k.unlock()
	})
	return k.closed
}

// Abandon gives the file free without a word, of a keeper that Keep was not
// called of.
func (k *Keeper) Abandon() error { return k.unlock() }
