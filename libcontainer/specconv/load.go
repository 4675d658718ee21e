package specconv

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"unsafe"

	"github.com/opencontainers/runtime-spec/specs-go"

	"runc/libcontainer/specconv/internal/specjson"
	"runc/libcontainer/system"
)

// Load reads a config.json. What follows its first JSON value is ignored.
func Load(path string) (*specs.Spec, error) {
	data, err := system.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("JSON specification file %s not found", path)
	}
	if err != nil {
		return nil, err
	}
	return parse(path, data)
}

func parse(path string, data []byte) (*specs.Spec, error) {
	// Nothing else refers to the bytes, and nothing writes to them again.
	if spec, ok := specjson.Decode(unsafe.String(unsafe.SliceData(data), len(data))); ok {
		return spec, nil
	}
	var spec *specs.Spec
	if err := json.NewDecoder(bytes.NewReader(data)).Decode(&spec); err != nil {
		return nil, placed(err, path, data)
	}
	if spec == nil {
		return nil, errors.New("config cannot be null")
	}
	return spec, nil
}

// LoadProcess reads a file with a process object as config.json has it.
func LoadProcess(path string) (*specs.Process, error) {
	data, err := system.ReadFile(path)
	if err != nil {
		return nil, err
	}
	// As in parse.
	if p, ok := specjson.DecodeProcess(unsafe.String(unsafe.SliceData(data), len(data))); ok {
		return p, nil
	}
	p := new(specs.Process)
	if err := json.Unmarshal(data, p); err != nil {
		return nil, placed(err, path, data)
	}
	return p, nil
}

// placed says where in the file encoding/json met its error.
func placed(err error, path string, data []byte) error {
	var syntax *json.SyntaxError
	var mismatch *json.UnmarshalTypeError
	offset := int64(len(data))
	switch {
	case errors.As(err, &syntax):
		offset = syntax.Offset
	case errors.As(err, &mismatch):
		offset = mismatch.Offset
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
	default:
		return fmt.Errorf("%w (%s)", err, path)
	}
	before := data[:min(max(offset, 0), int64(len(data)))]
	line := 1 + bytes.Count(before, []byte{'\n'})
	return fmt.Errorf("%w (%s, line %d)", err, path, line)
}
