package metrics

import "github.com/prometheus/client_golang/prometheus"

// Reading is how a server stands at the moment of a scrape.
type Reading struct {
	CommitQueue int
	Hashing     int // passwords being hashed
	HashWaiting int
	Readers     int
	Seq         int64
	Verifiers   map[string]int // by state
	Lag         int64
}

// Watch has the figures of the moment read at each scrape. It is called once.
func (m *Metrics) Watch(read func() Reading) {
	m.registry.MustRegister(&moment{read: read, descs: describeAll(
		nameCommitQueue, nameHashing, nameHashWaiting, nameReaders, nameSeq, nameVerifiers, nameLag)})
}

// moment reads the server once for all its figures.
type moment struct {
	read  func() Reading
	descs map[string]*prometheus.Desc
}

func describeAll(names ...string) map[string]*prometheus.Desc {
	descs := map[string]*prometheus.Desc{}
	for _, name := range names {
		descs[name] = describe(name)
	}
	return descs
}

// Describe lists the figures.
func (m *moment) Describe(to chan<- *prometheus.Desc) {
	for _, d := range m.descs {
		to <- d
	}
}

// Collect reads them.
func (m *moment) Collect(to chan<- prometheus.Metric) {
	r := m.read()
	for name, value := range map[string]float64{
		nameCommitQueue: float64(r.CommitQueue),
		nameHashing:     float64(r.Hashing),
		nameHashWaiting: float64(r.HashWaiting),
		nameReaders:     float64(r.Readers),
		nameSeq:         float64(r.Seq),
		nameLag:         float64(r.Lag),
	} {
		to <- prometheus.MustNewConstMetric(m.descs[name], prometheus.GaugeValue, value)
	}
	for state, n := range r.Verifiers {
		to <- prometheus.MustNewConstMetric(m.descs[nameVerifiers], prometheus.GaugeValue, float64(n), state)
	}
}

// Gate shows how full a gate is that lets so many requests of a kind through.
func (m *Metrics) Gate(name string, width int, inside func() int) {
	if m == nil {
		return
	}
	labels := prometheus.Labels{"gate": name}
	for figureName, read := range map[string]func() int{nameGate: inside, nameGateWidth: func() int { return width }} {
		m.registry.MustRegister(prometheus.NewGaugeFunc(
			prometheus.GaugeOpts{Name: figureName, Help: figure(figureName).About, ConstLabels: labels},
			func() float64 { return float64(read()) }))
	}
}
