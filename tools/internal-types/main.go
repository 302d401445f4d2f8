// Writes the server's own (internal) types as lines, for the sentences that show a struct.
package main

import (
	"bufio"
	"fmt"
	"os"
	"reflect"
	"sort"
	"strings"

	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	appsv1 "k8s.io/api/apps/v1"
	authorizationv1 "k8s.io/api/authorization/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	batchv1 "k8s.io/api/batch/v1"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	flowcontrolv1 "k8s.io/api/flowcontrol/v1"
	networkingv1 "k8s.io/api/networking/v1"
	policyv1 "k8s.io/api/policy/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	resourcev1 "k8s.io/api/resource/v1"
	storagev1 "k8s.io/api/storage/v1"
	apiextensions "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	"k8s.io/kubernetes/pkg/apis/admissionregistration"
	"k8s.io/kubernetes/pkg/apis/apps"
	"k8s.io/kubernetes/pkg/apis/authorization"
	"k8s.io/kubernetes/pkg/apis/autoscaling"
	"k8s.io/kubernetes/pkg/apis/batch"
	"k8s.io/kubernetes/pkg/apis/core"
	"k8s.io/kubernetes/pkg/apis/discovery"
	"k8s.io/kubernetes/pkg/apis/flowcontrol"
	"k8s.io/kubernetes/pkg/apis/networking"
	"k8s.io/kubernetes/pkg/apis/policy"
	"k8s.io/kubernetes/pkg/apis/rbac"
	"k8s.io/kubernetes/pkg/apis/resource"
	"k8s.io/kubernetes/pkg/apis/storage"
)

var pairs = [][2]any{
	{core.Pod{}, corev1.Pod{}}, {core.PodTemplate{}, corev1.PodTemplate{}}, {core.ReplicationController{}, corev1.ReplicationController{}},
	{core.Service{}, corev1.Service{}}, {core.PersistentVolume{}, corev1.PersistentVolume{}}, {core.PersistentVolumeClaim{}, corev1.PersistentVolumeClaim{}},
	{core.Node{}, corev1.Node{}}, {core.ResourceQuota{}, corev1.ResourceQuota{}}, {core.LimitRange{}, corev1.LimitRange{}}, {core.Event{}, corev1.Event{}},
	{core.Endpoints{}, corev1.Endpoints{}}, {core.ObjectReference{}, corev1.ObjectReference{}},
	{apps.Deployment{}, appsv1.Deployment{}}, {apps.StatefulSet{}, appsv1.StatefulSet{}}, {apps.DaemonSet{}, appsv1.DaemonSet{}}, {apps.ReplicaSet{}, appsv1.ReplicaSet{}},
	{batch.Job{}, batchv1.Job{}}, {batch.CronJob{}, batchv1.CronJob{}}, {autoscaling.HorizontalPodAutoscaler{}, autoscalingv2.HorizontalPodAutoscaler{}},
	{policy.PodDisruptionBudget{}, policyv1.PodDisruptionBudget{}}, {networking.Ingress{}, networkingv1.Ingress{}}, {networking.NetworkPolicy{}, networkingv1.NetworkPolicy{}},
	{networking.IPAddress{}, networkingv1.IPAddress{}}, {networking.ServiceCIDR{}, networkingv1.ServiceCIDR{}},
	{rbac.RoleBinding{}, rbacv1.RoleBinding{}}, {rbac.ClusterRole{}, rbacv1.ClusterRole{}}, {storage.VolumeAttachment{}, storagev1.VolumeAttachment{}}, {storage.CSINode{}, storagev1.CSINode{}},
	{storage.CSIDriver{}, storagev1.CSIDriver{}}, {storage.StorageClass{}, storagev1.StorageClass{}},
	{resource.ResourceClaim{}, resourcev1.ResourceClaim{}}, {resource.ResourceClaimTemplate{}, resourcev1.ResourceClaimTemplate{}}, {resource.ResourceSlice{}, resourcev1.ResourceSlice{}}, {resource.DeviceClass{}, resourcev1.DeviceClass{}},
	{flowcontrol.FlowSchema{}, flowcontrolv1.FlowSchema{}}, {flowcontrol.PriorityLevelConfiguration{}, flowcontrolv1.PriorityLevelConfiguration{}},
	{authorization.SubjectAccessReview{}, authorizationv1.SubjectAccessReview{}}, {discovery.EndpointSlice{}, discoveryv1.EndpointSlice{}},
	{admissionregistration.ValidatingAdmissionPolicy{}, admissionregistrationv1.ValidatingAdmissionPolicy{}}, {admissionregistration.MutatingAdmissionPolicy{}, admissionregistrationv1.MutatingAdmissionPolicy{}},
	{apiextensions.CustomResourceDefinition{}, apiextensionsv1.CustomResourceDefinition{}},
}

var out = map[string][]string{}

func name(t reflect.Type) string {
	s := t.String()
	return s
}

func ty(t reflect.Type) string {
	switch t.Kind() {
	case reflect.Pointer:
		return "*" + ty(t.Elem())
	case reflect.Slice:
		if t.Elem().Kind() == reflect.Uint8 {
			return "bytes"
		}
		return "[]" + ty(t.Elem())
	case reflect.Map:
		return "{}" + ty(t.Elem())
	case reflect.Struct:
		return name(t)
	case reflect.String:
		return "s"
	case reflect.Bool:
		return "b"
	case reflect.Interface:
		return "any"
	default:
		return "n"
	}
}

func base(t reflect.Type) reflect.Type {
	for t.Kind() == reflect.Pointer || t.Kind() == reflect.Slice || t.Kind() == reflect.Map {
		t = t.Elem()
	}
	return t
}

func jsonName(f reflect.StructField) (string, bool) {
	tag := f.Tag.Get("json")
	parts := strings.Split(tag, ",")
	omit := false
	for _, p := range parts[1:] {
		if p == "omitempty" || p == "omitzero" {
			omit = true
		}
	}
	return parts[0], omit
}

func external(t reflect.Type, goName string) (reflect.StructField, bool) {
	if t == nil || t.Kind() != reflect.Struct {
		return reflect.StructField{}, false
	}
	return t.FieldByName(goName)
}

func lower(s string) string { return strings.ToLower(s[:1]) + s[1:] }

// External types by package and name, for types that are first met where the versions differ.
var externals = map[string]reflect.Type{}

func collect(pkg string, t reflect.Type) {
	t = base(t)
	if t.Kind() != reflect.Struct {
		return
	}
	key := pkg + "." + t.Name()
	if _, ok := externals[key]; ok {
		return
	}
	externals[key] = t
	for i := 0; i < t.NumField(); i++ {
		if t.Field(i).PkgPath == "" {
			collect(pkg, t.Field(i).Type)
		}
	}
}

func walk(t, ext reflect.Type) {
	if t.Kind() != reflect.Struct {
		return
	}
	if ext == nil || ext.Name() != t.Name() {
		if e, ok := externals[name(t)]; ok {
			ext = e
		}
	}
	n := name(t)
	if _, ok := out[n]; ok {
		return
	}
	m, _ := t.MethodByName("MarshalJSON")
	if m.Name == "" {
		m, _ = reflect.PointerTo(t).MethodByName("MarshalJSON")
	}
	if m.Name != "" || strings.HasPrefix(n, "v1.Time") {
		out[n] = nil
		return
	}
	out[n] = []string{}
	var lines []string
	var fields func(t, ext reflect.Type, under string)
	fields = func(t, ext reflect.Type, under string) {
		for i := 0; i < t.NumField(); i++ {
			f := t.Field(i)
			if f.PkgPath != "" {
				continue
			}
			key, omit := jsonName(f)
			if f.Anonymous && key == "" {
				if f.Type.Name() == "TypeMeta" {
					lines = append(lines, "F\tkind\tkind\ts\to", "F\tapiVersion\tapiVersion\ts\to")
					continue
				}
				var e reflect.Type
				below := under
				if ef, ok := external(ext, f.Name); ok {
					e = ef.Type
					// What is embedded here has a name of its own in the API's JSON.
					if n, _ := jsonName(ef); n != "" {
						below += n + "/"
					}
				} else {
					e = ext
				}
				fields(f.Type, e, below)
				walk(f.Type, e)
				continue
			}
			if key == "-" {
				continue
			}
			shown := f.Name
			json := ""
			var e reflect.Type
			if ef, ok := external(ext, f.Name); ok {
				e = base(ef.Type)
				json, _ = jsonName(ef)
			}
			if key != "" {
				shown = key
				json = key
			}
			if json == "" {
				json = lower(f.Name)
			}
			o := ""
			if omit {
				o = "o"
			}
			lines = append(lines, fmt.Sprintf("F\t%s\t%s\t%s\t%s", shown, under+json, ty(f.Type), o))
			walk(base(f.Type), e)
		}
	}
	fields(t, ext, "")
	out[n] = lines
}

func main() {
	for _, p := range pairs {
		internal := reflect.TypeOf(p[0])
		collect(strings.Split(internal.String(), ".")[0], reflect.TypeOf(p[1]))
	}
	for _, p := range pairs {
		walk(reflect.TypeOf(p[0]), reflect.TypeOf(p[1]))
	}
	var names []string
	for n := range out {
		names = append(names, n)
	}
	sort.Strings(names)
	w := bufio.NewWriter(os.Stdout)
	for _, n := range names {
		if out[n] == nil {
			fmt.Fprintf(w, "S\t%s\n", n)
			continue
		}
		fmt.Fprintf(w, "T\t%s\n", n)
		for _, l := range out[n] {
			fmt.Fprintln(w, l)
		}
	}
	w.Flush()
}
