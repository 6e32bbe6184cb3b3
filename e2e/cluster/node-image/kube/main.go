// One binary that is every Kubernetes component, etcd and CoreDNS. The name it is called by (a link)
// or its first argument chooses which: one static file serves every node and every system image.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"
	"go.etcd.io/etcd/server/v3/etcdmain"
	"k8s.io/component-base/cli"
	_ "k8s.io/component-base/logs/json/register"
	_ "k8s.io/component-base/metrics/prometheus/clientgo"
	_ "k8s.io/component-base/metrics/prometheus/version"
	kubectl "k8s.io/kubectl/pkg/cmd"
	apiserver "k8s.io/kubernetes/cmd/kube-apiserver/app"
	controllermanager "k8s.io/kubernetes/cmd/kube-controller-manager/app"
	proxy "k8s.io/kubernetes/cmd/kube-proxy/app"
	scheduler "k8s.io/kubernetes/cmd/kube-scheduler/app"
	kubeadm "k8s.io/kubernetes/cmd/kubeadm/app"
	kubelet "k8s.io/kubernetes/cmd/kubelet/app"
)

var components = map[string]func() *cobra.Command{
	"kube-apiserver":          apiserver.NewAPIServerCommand,
	"kube-controller-manager": controllermanager.NewControllerManagerCommand,
	"kube-scheduler":          func() *cobra.Command { return scheduler.NewSchedulerCommand() },
	"kubelet":                 func() *cobra.Command { return kubelet.NewKubeletCommand(context.Background()) },
	"kube-proxy":              proxy.NewProxyCommand,
	"kubectl":                 kubectl.NewDefaultKubectlCommand,
}

// own are the programs that read os.Args by themselves.
var own = map[string]func(){
	"coredns": dns,
	"etcd":    func() { etcdmain.Main(os.Args) },
	"kubeadm": func() {
		hideCoreDNSFlags()
		if err := kubeadm.Run(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	},
}

func main() {
	name := filepath.Base(os.Args[0])
	if !known(name) && len(os.Args) > 1 {
		name = os.Args[1]
		os.Args = os.Args[1:]
	}
	if !known(name) {
		fmt.Fprintln(os.Stderr, "unknown component", name)
		os.Exit(2)
	}
	if run, ok := own[name]; ok {
		run()
		return
	}
	hideCoreDNSFlags()
	os.Exit(cli.Run(components[name]()))
}

func known(name string) bool {
	_, isOwn := own[name]
	_, isComponent := components[name]
	return isOwn || isComponent
}

// hideCoreDNSFlags keeps the flags that CoreDNS registers for the whole process from the other
// components; kube-proxy would take over its "version" and refuse to start.
func hideCoreDNSFlags() {
	rest := flag.NewFlagSet(os.Args[0], flag.ExitOnError)
	flag.VisitAll(func(f *flag.Flag) {
		switch f.Name {
		case "conf", "plugins", "quiet", "version", "dns.port", "p", "pidfile":
		default:
			rest.Var(f.Value, f.Name, f.Usage)
		}
	})
	flag.CommandLine = rest
}
